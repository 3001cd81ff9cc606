/**
 * Rows in their order, which is kept while they change: a row that differs costs a search for its place, not a sort of all.
 *
 * In: rows, a comparison and which of them are shown. Out: `rows`, those that are shown, in order. Nothing here touches the document.
 */

/** From this share of all on, sorting is cheaper than searching for each. */
const FEW = 1 / 32;

/** @template Row */
export class Order {
  /** @type {Row[]} */
  rows = [];
  /** @type {(one: Row, other: Row) => number} */
  #compare = () => 0;
  /** @type {(row: Row) => boolean} */
  #shows = () => true;

  /**
   * Another order, or others are shown.
   *
   * @param {Iterable<Row>} all
   * @param {(one: Row, other: Row) => number} compare
   * @param {(row: Row) => boolean} shows
   */
  arrange(all, compare, shows) {
    this.#compare = compare;
    this.#shows = shows;
    this.rows = [...all].filter(shows).sort(compare);
  }

  /**
   * @param {ReadonlySet<Row>} touched Those that came or changed, and those that went, which `shows` no more.
   * @returns {boolean} Whether anything is elsewhere now.
   */
  change(touched) {
    if (touched.size === 0) return false;
    const before = this.rows;
    const rows = before.filter((row) => !touched.has(row));
    const arriving = [...touched].filter(this.#shows);
    if (arriving.length > rows.length * FEW) this.rows = [...rows, ...arriving].sort(this.#compare);
    else this.rows = this.#insert(rows, arriving);
    return this.rows.length !== before.length || this.rows.some((row, at) => row !== before[at]);
  }

  /** @param {Row[]} rows @param {readonly Row[]} arriving */
  #insert(rows, arriving) {
    for (const row of arriving) rows.splice(this.#place(rows, row), 0, row);
    return rows;
  }

  /** @param {readonly Row[]} rows @param {Row} row @returns {number} Behind those that are equal. */
  #place(rows, row) {
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(row, rows[middle]) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
