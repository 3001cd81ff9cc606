/**
 * The keyboard's way through a table: Tab leads to one row, the arrows go from row to row, Enter opens one (`kubedom:open` with its
 * uid bubbles from the row).
 *
 * Where the focus is, it stays while rows are moved; when its row goes, it goes to the one that is there now.
 */
export class Walk {
  #table;
  /** @type {HTMLTableRowElement | null} The row that Tab leads to. */
  #current = null;

  /** @param {HTMLTableElement} table @param {(row: HTMLTableRowElement) => void} onlook Told of the row that somebody came to. */
  constructor(table, onlook) {
    this.#table = table;
    table.addEventListener('keydown', (event) => this.#pressed(event));
    table.addEventListener('focusin', (event) => {
      const row = rowOf(event.target);
      if (!row) return;
      this.#lead(row);
      onlook(row);
    });
    table.addEventListener('pointerover', (event) => {
      const row = rowOf(event.target);
      if (row) onlook(row);
    });
  }

  /**
   * Moves rows about.
   *
   * @param {readonly HTMLTableRowElement[]} before The rows in their order until now.
   * @param {readonly HTMLTableRowElement[]} after
   * @param {() => void} move
   */
  around(before, after, move) {
    const held = /** @type {HTMLElement | null} */ (this.#table.contains(document.activeElement) ? document.activeElement : null);
    const row = rowOf(held);
    const at = row ? before.indexOf(row) : -1;
    move();
    // An element that is moved loses the focus, and one that goes as well.
    if (row && document.activeElement !== held) (row.isConnected ? held : after[Math.min(at, after.length - 1)])?.focus({ preventScroll: true });
    if (!this.#current?.isConnected && after.length > 0) this.#lead(after[0]);
  }

  /** @param {HTMLTableRowElement} row */
  #lead(row) {
    if (this.#current && this.#current !== row) this.#current.tabIndex = -1;
    this.#current = row;
    row.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const row = rowOf(event.target);
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' && event.target === row) {
      open(row);
      return;
    }
    const to = WAYS[event.key]?.(row);
    if (!(to instanceof HTMLTableRowElement) || !to.dataset.uid) return;
    event.preventDefault();
    to.focus();
    to.scrollIntoView({ block: 'nearest' });
  }
}

/** @type {Record<string, (row: HTMLTableRowElement) => Element | null | undefined>} */
const WAYS = {
  ArrowDown: (row) => row.nextElementSibling ?? row.parentElement?.nextElementSibling?.firstElementChild,
  ArrowUp: (row) => row.previousElementSibling ?? row.parentElement?.previousElementSibling?.lastElementChild,
  Home: (row) => row.closest('table')?.tBodies[0]?.rows[0],
  End: (row) => [...(row.closest('table')?.tBodies ?? [])].at(-1)?.lastElementChild,
};

/** @param {HTMLTableRowElement} row Whose incident or details are to be shown. */
export function open(row) {
  row.dispatchEvent(new CustomEvent('kubedom:open', { bubbles: true, detail: { uid: row.dataset.uid } }));
}

/** @param {EventTarget | null} target @returns {HTMLTableRowElement | null} The resource's row that it is in. */
export function rowOf(target) {
  return target instanceof Element ? target.closest('tr[data-uid]') : null;
}
