/**
 * What happened in the last hour, by minutes.
 *
 * In: happenings in any order, some of them twice. Out: how many of each sort in each minute, and those of a time. Memory is bounded: what is
 * older than an hour goes, and of more than `MOST` the oldest. Nothing here touches the document.
 */

export const MINUTES = 60;
const MINUTE_MS = 60_000;
const MOST = 5000;

export const SORTS = /** @type {const} */ (['failure', 'recovery', 'action']);
/** @typedef {(typeof SORTS)[number]} Sort */
/** @typedef {{id: string, time: number, sort: Sort, title: string, text: string, uid: string}} Happening `time` in milliseconds. */
/** @typedef {Record<Sort, number> & {from: number}} Bar */

export class History {
  /** @type {Map<string, Happening>} */
  #known = new Map();

  /** @param {Happening} happening */
  add(happening) {
    if (Number.isNaN(happening.time)) return;
    this.#known.set(happening.id, happening);
    if (this.#known.size > MOST) {
      const [oldest] = [...this.#known.values()].sort((one, other) => one.time - other.time);
      this.#known.delete(oldest.id);
    }
  }

  /**
   * @param {number} now
   * @returns {Bar[]} One a minute, the oldest first; the last is the minute that is going on.
   */
  bars(now) {
    const last = Math.floor(now / MINUTE_MS);
    const bars = Array.from({ length: MINUTES }, (_, at) => ({ from: (last - MINUTES + 1 + at) * MINUTE_MS, failure: 0, recovery: 0, action: 0 }));
    for (const [id, { time, sort }] of this.#known) {
      const bar = bars[Math.floor(time / MINUTE_MS) - (last - MINUTES + 1)];
      if (bar) bar[sort] += 1;
      else if (time < bars[0].from) this.#known.delete(id);
    }
    return bars;
  }

  /**
   * @param {number} from In milliseconds.
   * @param {number} to Not of it any more.
   * @returns {Happening[]} The newest first.
   */
  between(from, to) {
    return [...this.#known.values()].filter(({ time }) => time >= from && time < to).sort((one, other) => other.time - one.time);
  }
}
