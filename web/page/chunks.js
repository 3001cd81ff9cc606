/**
 * Many rows in a table, of which those off screen cost nothing: `<tbody>`s of a hundred with `content-visibility: auto`.
 *
 * In: the rows in their order. Out: a table that has them so, by moving only what is not where it belongs: a row more or less costs
 * about one move a chunk. All rows are in the document, so that delegation and observers see each one.
 */
import { html } from './html.js';

const CHUNK = 100;

export class Chunks {
  #table;
  /** @type {HTMLTableSectionElement[]} */
  #chunks = [];

  /** @param {HTMLTableElement} table */
  constructor(table) {
    this.#table = table;
  }

  /** @param {readonly HTMLTableRowElement[]} rows */
  layOut(rows) {
    const chunks = Math.ceil(rows.length / CHUNK);
    while (this.#chunks.length < chunks) {
      const chunk = html('tbody', { role: 'rowgroup' });
      this.#chunks.push(chunk);
      this.#table.append(chunk);
    }
    for (let at = 0; at < chunks; at += 1) fill(this.#chunks[at], rows.slice(at * CHUNK, (at + 1) * CHUNK));
    for (const chunk of this.#chunks.splice(chunks)) chunk.remove();
  }
}

/** @param {HTMLTableSectionElement} chunk @param {readonly HTMLTableRowElement[]} rows */
function fill(chunk, rows) {
  let place = chunk.firstElementChild;
  for (const tr of rows) {
    if (place === tr) {
      place = place.nextElementSibling;
    } else if (place && place.nextElementSibling === tr) {
      // The row before went away: taking it out moves nothing else.
      place.remove();
      place = tr.nextElementSibling;
    } else {
      chunk.insertBefore(tr, place);
    }
  }
  // What is left over belongs to the next chunk, which fetches it, or to none.
  while (place) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
}
