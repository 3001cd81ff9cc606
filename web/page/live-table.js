/**
 * A table of resources that is always current: a row each, painted once a frame, filtered and sorted as the address says.
 *
 * In: what came, changed and went, and how a kind's rows are made. Out: the table. The caption with the count is replaced in every
 * frame in which rows came or went: whoever observes the table's own children hears of it. Arrow keys go from row to row, Enter
 * opens one: `kubedom:open` with its uid bubbles from the row.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 */
import { address } from './address.js';
import { Chunks } from './chunks.js';
import { Filters, failing } from './filters.js';
import { setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { greyOut } from './rights.js';
import { t } from './text.js';
import { shown } from './views.js';
import { age, compare } from './wording.js';

const AGES_MS = 10_000;

/**
 * @template {KubeResource} Resource
 * @typedef {object} Row
 * @property {Resource} resource
 * @property {HTMLTableRowElement} tr
 * @property {() => void} paint
 * @property {HTMLElement} age
 * @property {number} born
 */
/**
 * @template {KubeResource} Resource
 * @typedef {object} Options
 * @property {string} view Of which view it is the table.
 * @property {HTMLTableElement} table
 * @property {(element: KubeResource) => element is Resource} takes
 * @property {(element: Resource) => Row<Resource>} create
 * @property {Record<string, (one: Row<Resource>, other: Row<Resource>) => number>} orders By the names of the columns; of `name` first.
 * @property {'tables.pods' | 'tables.workloads' | 'tables.nodes'} counted
 * @property {HTMLElement} none Shown when there is nothing.
 * @property {HTMLElement} noMatches Shown when the filters let nothing pass.
 * @property {(rows: Iterable<Row<Resource>>) => void} [onmembers] Told when rows came or went.
 */

/** @template {KubeResource} Resource */
export class LiveTable {
  /** @type {Options<Resource>} */
  #options;
  /** @type {KubeCluster} */
  #cluster;
  #chunks;
  /** @type {Map<KubeResource, Row<Resource>>} */
  #rows = new Map();
  /** @type {Set<Row<Resource>>} */
  #dirty = new Set();
  #filters = new Filters(() => []);
  #column = '';
  #reversed = false;
  #layoutDue = true;
  #membersDiffer = true;
  #agesDue = false;
  #shownCount = 0;
  /** @type {HTMLTableRowElement | null} The row that Tab leads to. */
  #current = null;

  /** @param {KubeCluster} cluster @param {Options<Resource>} options */
  constructor(cluster, options) {
    this.#cluster = cluster;
    this.#options = options;
    this.#chunks = new Chunks(options.table);
    const { table } = options;
    table.addEventListener('click', (event) => this.#clicked(event));
    table.addEventListener('keydown', (event) => this.#pressed(event));
    table.addEventListener('focusin', (event) => this.#focused(event));
    table.addEventListener('pointerover', (event) => this.#looked(event));
    address.addEventListener('change', () => this.#read());
    this.#read();
    setInterval(() => {
      this.#agesDue = true;
      repaint(this.#paint);
    }, AGES_MS);
  }

  /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
  take({ added, changed, removed }) {
    const { takes, create } = this.#options;
    for (const element of added) {
      if (!takes(element)) continue;
      const row = create(element);
      this.#rows.set(element, row);
      this.#dirty.add(row);
      this.#membersDiffer = this.#layoutDue = true;
    }
    for (const element of changed) this.refresh(element);
    for (const element of removed) {
      const row = this.#rows.get(element);
      if (!row) continue;
      this.#rows.delete(element);
      this.#dirty.delete(row);
      this.#membersDiffer = this.#layoutDue = true;
    }
    repaint(this.#paint);
  }

  /** @param {KubeResource} element One whose row is out of date. */
  refresh(element) {
    const row = this.#rows.get(element);
    if (!row) return;
    this.#dirty.add(row);
    if (this.#column !== 'name' || this.#filters.active.length > 0) this.#layoutDue = true;
    repaint(this.#paint);
  }

  /** The cluster was read for the first time: an empty table may now say that it is empty. */
  settle() {
    this.#layoutDue = this.#membersDiffer = true;
    repaint(this.#paint);
  }

  #read() {
    // The address of another view speaks of that view's table.
    if (shown() !== this.#options.view && this.#column) return;
    this.#filters = new Filters((name) => (shown() === this.#options.view ? address.all(name) : []));
    const sort = shown() === this.#options.view ? address.get('sort') : '';
    const column = sort.replace(/^-/, '');
    this.#column = column in this.#options.orders ? column : 'name';
    this.#reversed = sort.startsWith('-');
    for (const button of this.#options.table.tHead?.querySelectorAll('button') ?? []) {
      const order = button.dataset.sort !== this.#column ? 'none' : this.#reversed ? 'descending' : 'ascending';
      button.closest('th')?.setAttribute('aria-sort', order);
    }
    this.settle();
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const column = target?.closest('button')?.dataset.sort;
    if (column) {
      const reversed = this.#column === column && !this.#reversed;
      address.set({ sort: column === 'name' && !reversed ? null : `${reversed ? '-' : ''}${column}` }, { replace: true });
    }
    if (target?.closest('.open')) this.#open(target);
    const uid = target?.closest('.log')?.closest('tr')?.dataset.uid;
    if (uid) target?.dispatchEvent(new CustomEvent('kubedom:log', { bubbles: true, detail: { uid } }));
  }

  /** @param {Element} within */
  #open(within) {
    const row = within.closest('tr');
    if (row?.dataset.uid) row.dispatchEvent(new CustomEvent('kubedom:open', { bubbles: true, detail: { uid: row.dataset.uid } }));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    if (!row?.dataset.uid || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter' && event.target === row) return this.#open(row);
    const to =
      event.key === 'ArrowDown' ? next(row) : event.key === 'ArrowUp' ? previous(row) : event.key === 'Home' ? first(row) : event.key === 'End' ? last(row) : null;
    if (!to) return;
    event.preventDefault();
    to.tabIndex = 0;
    to.focus();
    to.scrollIntoView({ block: 'nearest' });
  }

  /** @param {FocusEvent} event */
  #focused(event) {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    if (!row?.dataset.uid) return;
    if (this.#current && this.#current !== row) this.#current.tabIndex = -1;
    this.#current = row;
    row.tabIndex = 0;
    greyOut(row, this.#cluster);
  }

  /** @param {PointerEvent} event */
  #looked(event) {
    const row = event.target instanceof Element ? event.target.closest('tr') : null;
    if (row?.dataset.uid) greyOut(row, this.#cluster);
  }

  #paint = () => {
    if (this.#agesDue) {
      const now = Date.now();
      for (const row of this.#rows.values()) setText(row.age, age(row.born, now));
      this.#agesDue = false;
    }
    for (const row of this.#dirty) row.paint();
    this.#dirty.clear();
    const { table, none, noMatches, onmembers } = this.#options;
    if (!this.#layoutDue) {
      this.#count(table.caption);
      return;
    }
    this.#layoutDue = false;
    const rows = this.#shown();
    this.#chunks.layOut(rows.map(({ tr }) => tr));
    none.hidden = this.#rows.size > 0 || this.#cluster.status.state === 'connecting';
    noMatches.hidden = this.#rows.size === 0 || rows.length > 0;
    table.hidden = rows.length === 0;
    setAttribute(table, 'aria-rowcount', String(rows.length + 1));
    this.#shownCount = rows.length;
    if (!this.#current?.isConnected && rows.length > 0) {
      this.#current = rows[0].tr;
      this.#current.tabIndex = 0;
    }
    if (!this.#membersDiffer) return;
    this.#membersDiffer = false;
    const caption = document.createElement('caption');
    this.#count(caption);
    if (table.caption) table.caption.replaceWith(caption);
    else table.prepend(caption);
    onmembers?.(this.#rows.values());
  };

  /** @param {HTMLTableCaptionElement | null} caption */
  #count(caption) {
    if (!caption) return;
    const count = this.#rows.size;
    const all = t(this.#options.counted, { count });
    let unwell = 0;
    for (const { resource } of this.#rows.values()) if (failing(resource)) unwell += 1;
    const some = this.#shownCount === count ? all : t('tables.someOf', { some: this.#shownCount, all });
    setText(caption, unwell > 0 ? t('tables.withFailing', { some, failing: unwell }) : some);
  }

  /** @returns {Row<Resource>[]} The rows that pass the filters, in order. */
  #shown() {
    const rows = [...this.#rows.values()].filter(({ resource }) => this.#filters.match(resource));
    const order = this.#options.orders[this.#column];
    const sign = this.#reversed ? -1 : 1;
    if (this.#column === 'name') return rows.sort((one, other) => sign * byName(one, other));
    return rows.sort((one, other) => sign * order(one, other) || byName(one, other));
  }
}

/** @param {{resource: KubeResource}} one @param {{resource: KubeResource}} other */
function byName({ resource: one }, { resource: other }) {
  return compare(one.name, other.name) || compare(one.namespace, other.namespace);
}

/** @param {HTMLTableRowElement} row */
function next(row) {
  return rowIn(row.nextElementSibling ?? row.parentElement?.nextElementSibling?.firstElementChild);
}

/** @param {HTMLTableRowElement} row */
function previous(row) {
  return rowIn(row.previousElementSibling ?? row.parentElement?.previousElementSibling?.lastElementChild);
}

/** @param {HTMLTableRowElement} row */
function first(row) {
  return rowIn(row.closest('table')?.tBodies[0]?.rows[0]);
}

/** @param {HTMLTableRowElement} row */
function last(row) {
  return rowIn([...(row.closest('table')?.tBodies ?? [])].at(-1)?.lastElementChild);
}

/** @param {Element | null | undefined} element */
function rowIn(element) {
  return element instanceof HTMLTableRowElement && element.dataset.uid ? element : null;
}
