/**
 * A table of resources that is always current: a row each, painted once a frame, filtered and sorted as the address says.
 *
 * In: what came, changed and went, and how a kind's rows are made. Out: the table. The caption with the count is replaced in every
 * frame in which rows came or went: whoever observes the table's own children hears of it. What a change costs depends on how much
 * changed, not on how many rows there are.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 * @import {FilterBar} from './filter-bar.js'
 */
import { address } from './address.js';
import { Chunks } from './chunks.js';
import { Filters, failing } from './filters.js';
import { setAttribute, setText } from './html.js';
import { Order } from './order.js';
import { repaint } from './painting.js';
import { greyOut } from './rights.js';
import { t } from './text.js';
import { shown } from './views.js';
import { Walk, open, rowOf } from './walking.js';
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
 * A row with what it is sorted by at last; both never change.
 *
 * @template {KubeResource} Resource
 * @typedef {Row<Resource> & {name: string, namespace: string}} Named
 */
/**
 * @template {KubeResource} Resource
 * @typedef {object} Options
 * @property {string} view Of which view it is the table.
 * @property {HTMLTableElement} table
 * @property {(element: KubeResource) => element is Resource} takes
 * @property {(element: Resource) => Row<Resource>} create
 * @property {Record<string, (one: Row<Resource>, other: Row<Resource>) => number>} orders By the names of the columns, ascending.
 * @property {readonly string[]} [largestFirst] The columns that are sorted descending at first.
 * @property {'tables.pods' | 'tables.workloads' | 'tables.nodes'} counted
 * @property {HTMLElement} none Shown when there is nothing.
 * @property {HTMLElement} noMatches Shown when the filters let nothing pass.
 * @property {FilterBar} bar What narrows it.
 */

/** @template {KubeResource} Resource */
export class LiveTable {
  /** @type {Options<Resource>} */
  #options;
  /** @type {KubeCluster} */
  #cluster;
  #chunks;
  #walk;
  /** @type {Map<KubeResource, Named<Resource>>} */
  #rows = new Map();
  /** @type {Order<Named<Resource>>} The rows that are shown. */
  #order = new Order();
  /** @type {Set<Named<Resource>>} */
  #failing = new Set();
  #filters = new Filters(() => []);
  #column = '';
  #reversed = false;

  /** @type {Set<Named<Resource>>} Rows that look different now. */
  #dirty = new Set();
  /** @type {Set<Named<Resource>>} Rows that may be elsewhere now, or not be shown. */
  #touched = new Set();
  #arrangeDue = true;
  #membersDiffer = true;
  #agesDue = false;

  /** @param {KubeCluster} cluster @param {Options<Resource>} options */
  constructor(cluster, options) {
    this.#cluster = cluster;
    this.#options = options;
    const { table } = options;
    this.#chunks = new Chunks(table);
    this.#walk = new Walk(table, (row) => greyOut(row, cluster));
    table.addEventListener('click', (event) => this.#clicked(event));
    address.addEventListener('change', () => this.#read());
    this.#read();
    setInterval(() => {
      this.#agesDue = true;
      if (shown() === options.view) repaint(this.#paint);
    }, AGES_MS);
  }

  /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
  take({ added, changed, removed }) {
    const { takes, create } = this.#options;
    for (const element of added) {
      if (!takes(element)) continue;
      const row = { ...create(element), name: element.name, namespace: element.namespace };
      this.#rows.set(element, row);
      this.#dirty.add(row);
      this.#touched.add(row);
      this.#membersDiffer = true;
    }
    for (const element of changed) this.refresh(element);
    for (const element of removed) {
      const row = this.#rows.get(element);
      if (!row) continue;
      this.#rows.delete(element);
      this.#dirty.delete(row);
      this.#failing.delete(row);
      this.#touched.add(row);
      this.#membersDiffer = true;
    }
    if (this.#dirty.size > 0 || this.#touched.size > 0) repaint(this.#paint);
  }

  /** @param {KubeResource} element One whose row is out of date. */
  refresh(element) {
    const row = this.#rows.get(element);
    if (!row) return;
    this.#dirty.add(row);
    if (this.#column !== 'name' || this.#filters.active.length > 0) this.#touched.add(row);
    repaint(this.#paint);
  }

  /** The cluster was read for the first time: an empty table may now say that it is empty. */
  settle() {
    repaint(this.#paint);
  }

  #read() {
    const { view, orders, table, bar } = this.#options;
    const here = shown() === view;
    // The address of another view speaks of that view's table.
    if (!here && this.#column) return;
    this.#filters = here ? bar.read() : new Filters(() => []);
    const sort = here ? address.get('sort') : '';
    const column = sort.replace(/^-/, '');
    this.#column = Object.hasOwn(orders, column) ? column : 'name';
    this.#reversed = this.#column === column && sort.startsWith('-');
    for (const button of table.tHead?.querySelectorAll('button') ?? []) {
      const order = button.dataset.sort !== this.#column ? 'none' : this.#reversed ? 'descending' : 'ascending';
      button.closest('th')?.setAttribute('aria-sort', order);
    }
    this.#arrangeDue = this.#membersDiffer = true;
    repaint(this.#paint);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const column = target?.closest('button')?.dataset.sort;
    if (column) this.#sort(column);
    const row = rowOf(target);
    if (row && target?.closest('.open')) open(row);
    if (row && target?.closest('.log')) row.dispatchEvent(new CustomEvent('kubedom:log', { bubbles: true, detail: { uid: row.dataset.uid } }));
  }

  /** @param {string} column */
  #sort(column) {
    const same = this.#column === column;
    const reversed = same ? !this.#reversed : this.#options.largestFirst?.includes(column);
    address.set({ sort: column === 'name' && !reversed ? null : `${reversed ? '-' : ''}${column}` }, { replace: true });
  }

  #paint = () => {
    if (this.#agesDue && shown() === this.#options.view) {
      const now = Date.now();
      for (const row of this.#rows.values()) setText(row.age, age(row.born, now));
      this.#agesDue = false;
    }
    for (const row of this.#dirty) {
      row.paint();
      if (failing(row.resource)) this.#failing.add(row);
      else this.#failing.delete(row);
    }
    this.#dirty.clear();
    this.#arrange();
    const { table, none, noMatches, bar } = this.#options;
    none.hidden = this.#rows.size > 0 || this.#cluster.status.state === 'connecting';
    noMatches.hidden = this.#rows.size === 0 || this.#order.rows.length > 0;
    table.hidden = this.#order.rows.length === 0;
    setAttribute(table, 'aria-rowcount', String(this.#order.rows.length + 1));
    if (!this.#membersDiffer) {
      this.#count(table.caption);
      return;
    }
    this.#membersDiffer = false;
    const caption = document.createElement('caption');
    this.#count(caption);
    if (table.caption) table.caption.replaceWith(caption);
    else table.prepend(caption);
    bar.offer(() => this.#rows.values());
  };

  /** Puts the rows where they belong, as far as they are not. */
  #arrange() {
    const before = this.#order.rows;
    const anew = this.#arrangeDue;
    if (anew) this.#order.arrange(this.#rows.values(), this.#compare(), (row) => this.#shows(row));
    const differs = anew || this.#order.change(this.#touched);
    this.#arrangeDue = false;
    this.#touched.clear();
    if (!differs) return;
    const after = this.#order.rows.map(({ tr }) => tr);
    this.#walk.around(before.map(({ tr }) => tr), after, () => this.#chunks.layOut(after));
  }

  /** @param {Named<Resource>} row */
  #shows(row) {
    return this.#rows.get(row.resource) === row && this.#filters.match(row.resource);
  }

  /** @returns {(one: Named<Resource>, other: Named<Resource>) => number} */
  #compare() {
    const order = this.#options.orders[this.#column];
    const sign = this.#reversed ? -1 : 1;
    if (this.#column === 'name') return (one, other) => sign * byName(one, other);
    return (one, other) => sign * order(one, other) || byName(one, other);
  }

  /** @param {HTMLTableCaptionElement | null} caption */
  #count(caption) {
    if (!caption) return;
    const count = this.#rows.size;
    const all = t(this.#options.counted, { count });
    const some = this.#order.rows.length === count ? all : t('tables.someOf', { some: this.#order.rows.length, all });
    const unwell = this.#failing.size;
    setText(caption, unwell > 0 ? t('tables.withFailing', { some, failing: unwell }) : some);
  }
}

/** @param {{name: string, namespace: string}} one @param {{name: string, namespace: string}} other */
function byName(one, other) {
  return compare(one.name, other.name) || compare(one.namespace, other.namespace);
}
