/**
 * The table of pods: every pod a real row, painted once a frame.
 *
 * Rows live in `<tbody>` chunks of about a hundred with `content-visibility: auto`, so ten thousand of them cost what is on
 * screen. All are in the document, so that delegation and observers see each one. The caption with the count is replaced in
 * every frame in which pods came or went: whoever observes the table's own children hears of it.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 */
import { KubePod } from '../kubedom.js';
import { aim, isRunning } from './actions.js';
import { byId, html, setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { age, counted, spaced } from './wording.js';

const CHUNK = 100;
const AGES_MS = 10_000;

/**
 * @typedef {object} Row
 * @property {KubePod} pod
 * @property {HTMLTableRowElement} tr
 * @property {HTMLElement} ready
 * @property {HTMLElement} status
 * @property {HTMLElement} trouble What fails, below the status.
 * @property {HTMLElement} restarts
 * @property {HTMLElement} age
 * @property {HTMLElement} home The workload, below the name.
 * @property {HTMLButtonElement} restart
 * @property {HTMLButtonElement} remove
 * @property {number} born
 */

/** @typedef {'name' | 'status' | 'restarts' | 'age'} Column */

/** @type {Record<Column, (one: Row, other: Row) => number>} */
const ORDERS = {
  name: () => 0,
  status: (one, other) => Number(failing(other.pod)) - Number(failing(one.pod)) || compare(status(one.pod), status(other.pod)),
  restarts: (one, other) => restarts(other.pod) - restarts(one.pod),
  age: (one, other) => other.born - one.born,
};

export class PodsTable {
  /** @type {HTMLTableElement} */
  #table = byId('podsTable');
  /** @type {Map<KubeResource, Row>} */
  #rows = new Map();
  /** @type {Set<Row>} */
  #dirty = new Set();
  #layoutDue = true;
  #membersDiffer = true;
  #agesDue = false;
  /** @type {HTMLTableSectionElement[]} */
  #chunks = [];
  /** @type {Column} */
  #column = 'name';
  #reversed = false;
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLInputElement} */
  #search = byId('podSearch');
  /** @type {HTMLSelectElement} */
  #namespace = byId('namespaceFilter');
  /** @type {HTMLInputElement} */
  #failingOnly = byId('failingOnly');

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    this.#table.tHead?.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button) this.#sort(/** @type {Column} */ (button.dataset.sort));
    });
    const filters = byId('podFilters');
    filters.addEventListener('input', () => this.#relay());
    filters.addEventListener('submit', (event) => event.preventDefault());
    byId('clearFilters').addEventListener('click', () => {
      /** @type {HTMLFormElement} */ (byId('podFilters')).reset();
      this.#relay();
      this.#search.focus();
    });
    setInterval(() => {
      this.#agesDue = true;
      repaint(this.#paint);
    }, AGES_MS);
  }

  /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
  take({ added, changed, removed }) {
    for (const element of added) {
      if (element instanceof KubePod) {
        const row = createRow(element);
        this.#rows.set(element, row);
        this.#dirty.add(row);
        this.#membersDiffer = this.#layoutDue = true;
      }
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

  /** @param {KubeResource} element A pod whose row is out of date. */
  refresh(element) {
    const row = this.#rows.get(element);
    if (!row) return;
    this.#dirty.add(row);
    if (this.#column !== 'name' || this.#filtered) this.#layoutDue = true;
    repaint(this.#paint);
  }

  /** The cluster was read for the first time: an empty table may now say that it is empty. */
  settle() {
    this.#layoutDue = this.#membersDiffer = true;
    repaint(this.#paint);
  }

  get #filtered() {
    return this.#search.value.trim() !== '' || this.#namespace.value !== '' || this.#failingOnly.checked;
  }

  /** @param {Column} column */
  #sort(column) {
    this.#reversed = this.#column === column && !this.#reversed;
    this.#column = column;
    for (const button of this.#table.tHead?.querySelectorAll('button') ?? []) {
      const order = button.dataset.sort !== column ? 'none' : this.#reversed ? 'descending' : 'ascending';
      button.closest('th')?.setAttribute('aria-sort', order);
    }
    this.#relay();
  }

  #relay() {
    this.#layoutDue = this.#membersDiffer = true;
    repaint(this.#paint);
  }

  #paint = () => {
    if (this.#agesDue) {
      const now = Date.now();
      for (const row of this.#rows.values()) setText(row.age, age(row.born, now));
      this.#agesDue = false;
    }
    for (const row of this.#dirty) paintRow(row);
    this.#dirty.clear();
    if (!this.#layoutDue) {
      this.#count(this.#table.caption);
      return;
    }
    this.#layoutDue = false;
    const shown = this.#shown();
    this.#layOut(shown);
    byId('noPods').hidden = this.#rows.size > 0 || this.#cluster.status.state === 'connecting';
    byId('noMatches').hidden = this.#rows.size === 0 || shown.length > 0;
    this.#table.hidden = shown.length === 0;
    setAttribute(this.#table, 'aria-rowcount', String(shown.length + 1));
    this.#shownCount = shown.length;
    if (this.#membersDiffer) {
      this.#membersDiffer = false;
      const caption = document.createElement('caption');
      this.#count(caption);
      if (this.#table.caption) this.#table.caption.replaceWith(caption);
      else this.#table.prepend(caption);
      this.#fillNamespaces();
    }
  };

  #shownCount = 0;

  /** @param {HTMLTableCaptionElement | null} caption */
  #count(caption) {
    if (!caption) return;
    const all = this.#rows.size;
    const pods = this.#shownCount === all ? counted(all, 'pod') : `${this.#shownCount.toLocaleString()} of ${counted(all, 'pod')}`;
    let unwell = 0;
    for (const row of this.#rows.values()) if (failing(row.pod)) unwell += 1;
    setText(caption, unwell > 0 ? `${pods}, ${unwell.toLocaleString()} failing` : pods);
  }

  /** @returns {Row[]} The rows that pass the filters, in order. */
  #shown() {
    const words = this.#search.value.trim().toLowerCase().split(/\s+/);
    const namespace = this.#namespace.value;
    const rows = [...this.#rows.values()].filter(
      ({ pod }) =>
        (namespace === '' || pod.namespace === namespace) &&
        (!this.#failingOnly.checked || failing(pod)) &&
        words.every((word) => searchable(pod).includes(word)),
    );
    const order = ORDERS[this.#column];
    const sign = this.#reversed ? -1 : 1;
    return rows.sort((one, other) =>
      this.#column === 'name'
        ? sign * byName(one, other)
        : sign * order(one, other) || byName(one, other),
    );
  }

  /**
   * Moves only the rows that are not where they belong: a pod more or less costs about one move a chunk.
   *
   * @param {Row[]} rows
   */
  #layOut(rows) {
    const chunks = Math.ceil(rows.length / CHUNK);
    while (this.#chunks.length < chunks) {
      const chunk = html('tbody', { role: 'rowgroup' });
      this.#chunks.push(chunk);
      this.#table.append(chunk);
    }
    for (let at = 0; at < chunks; at += 1) {
      const chunk = this.#chunks[at];
      let place = chunk.firstElementChild;
      for (const { tr } of rows.slice(at * CHUNK, (at + 1) * CHUNK)) {
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
    for (const chunk of this.#chunks.splice(chunks)) chunk.remove();
  }

  #fillNamespaces() {
    const names = [...new Set([...this.#rows.values()].map((row) => row.pod.namespace))].sort(compare);
    const known = [...this.#namespace.options].slice(1).map((option) => option.value);
    if (names.join('\n') === known.join('\n')) return;
    const chosen = this.#namespace.value;
    // A chosen namespace stays choosable when its last pod goes, or the filter would change by itself.
    if (chosen && !names.includes(chosen)) names.push(chosen);
    const [all] = this.#namespace.options;
    this.#namespace.replaceChildren(all, ...names.map((name) => html('option', { value: name }, name)));
    this.#namespace.value = chosen;
  }
}

/**
 * @param {KubePod} pod
 * @returns {Row}
 */
function createRow(pod) {
  const cell = (/** @type {string} */ column, /** @type {(Node | string)[]} */ ...children) =>
    html('td', { role: 'cell', 'data-column': column }, ...children);
  const home = html('span', { class: 'home' });
  const name = html('span', { class: 'name', title: pod.name }, html('bdi', {}, pod.name));
  const status = html('span', { class: 'state' });
  const trouble = html('span', { class: 'home' });
  const restart = html('button', { type: 'button', class: 'restartPod', 'aria-label': `Restart ${pod.name}` }, 'Restart');
  const remove = html('button', { type: 'button', class: 'deletePod', 'aria-label': `Delete ${pod.name}` }, 'Delete');
  const head = html('th', { role: 'rowheader', scope: 'row', 'data-column': 'name' }, name, home);
  const ready = cell('ready');
  const restarts = cell('restarts');
  const since = cell('age');
  const tr = html('tr', { role: 'row' }, head, ready, cell('status', status, trouble), restarts, since, cell('actions', restart, remove));
  tr.dataset.uid = pod.uid;
  aim(restart, 'restartPod', pod);
  aim(remove, 'deletePod', pod);
  const born = Date.parse(pod.object?.metadata?.creationTimestamp ?? '');
  return { pod, tr, ready, status, trouble, restarts, age: since, home, restart, remove, born };
}

/** @param {Row} row */
function paintRow(row) {
  const { pod } = row;
  const { workload, namespace } = pod;
  setText(row.home, workload ? `${namespace} · ${workload.name}` : namespace);
  setText(row.ready, pod.getAttribute('ready') ?? '');
  setText(row.status, status(pod));
  setAttribute(row.status, 'data-tone', tone(pod));
  setAttribute(row.status, 'title', pod.incidents.map((incident) => incident.message || incident.kind).join('\n') || null);
  setText(row.trouble, [...new Set(pod.incidents.map((incident) => spaced(incident.kind)))].join(', '));
  setText(row.restarts, String(restarts(pod)));
  row.restarts.toggleAttribute('data-none', restarts(pod) === 0);
  setText(row.age, age(row.born));
  row.tr.toggleAttribute('data-failing', failing(pod));
  row.restart.disabled = isRunning('restartPod', pod.uid);
  row.remove.disabled = isRunning('deletePod', pod.uid);
}

/** @param {KubeResource} resource */
export function failing(resource) {
  return resource.incidents.some((incident) => incident.severity !== 'info');
}

/** @param {KubePod} pod */
export function tone(pod) {
  if (failing(pod)) return pod.incidents.every((incident) => incident.severity === 'warning') ? 'warning' : 'bad';
  const phase = pod.getAttribute('phase');
  if (pod.object?.metadata?.deletionTimestamp) return 'going';
  if (phase === 'Failed') return 'bad';
  if (phase === 'Succeeded') return 'done';
  const [ready, total] = (pod.getAttribute('ready') ?? '').split('/');
  return phase === 'Running' && ready === total ? 'good' : 'waiting';
}

/** @param {KubePod} pod */
function status(pod) {
  return pod.getAttribute('status') ?? 'Unknown';
}

/** @param {KubePod} pod */
function restarts(pod) {
  return Number(pod.getAttribute('restarts') ?? 0);
}

/** @param {KubePod} pod */
function searchable(pod) {
  const { workload } = pod;
  return `${pod.name} ${pod.namespace} ${workload?.name ?? ''} ${status(pod)} ${pod.getAttribute('node') ?? ''}`.toLowerCase();
}

const collator = new Intl.Collator('en', { numeric: true });
const compare = collator.compare.bind(collator);

/** @param {Row} one @param {Row} other */
function byName(one, other) {
  return compare(one.pod.name, other.pod.name) || compare(one.pod.namespace, other.pod.namespace);
}
