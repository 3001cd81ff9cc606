/**
 * The map: a cell for every pod, by namespace and workload, ten thousand at once.
 *
 * It is a canvas, drawn once a frame and only where something changed. Colour and form say how a pod is. With the keyboard it is one
 * widget: arrows go from pod to pod, Enter opens one (`kubedom:open` bubbles from the canvas), and what the current one is stands
 * below the map.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 * @import {Area, Cell, Layout} from './map-layout.js'
 */
import { KubePod } from '../kubedom.js';
import { byId, html, setText } from './html.js';
import { layOut } from './map-layout.js';
import { repaint } from './painting.js';
import { tone } from './pods-table.js';
import { t } from './text.js';
import { shown } from './views.js';
import { compare, spaced } from './wording.js';

/** @typedef {ReturnType<typeof tone>} Tone */

/** Where pods come and go all the time, all are put in their places only so often. */
const ARRANGED_MS = 500;

export class PodMap {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {HTMLCanvasElement} */
  #canvas = byId('podMap');
  #said = byId('podMapSaid');
  /** @type {Set<KubePod>} */
  #pods = new Set();
  /** @type {Set<string>} The uids of those that look different now. */
  #dirty = new Set();
  /** @type {Layout} */
  #layout = { cells: [], labels: [], height: 0, size: 12 };
  /** @type {Map<string, Cell>} */
  #cells = new Map();
  /** @type {Map<string, Tone>} What is drawn. */
  #drawn = new Map();
  #layoutDue = true;
  #arrangedAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;
  /** @type {Cell | null} */
  #current = null;
  /** @type {Record<Tone, string> & {text: string, page: string, accent: string}} */
  #colours = this.#readColours();

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    const legend = /** @type {const} */ (['bad', 'warning', 'waiting', 'good', 'done', 'going']).map((each) =>
      html('li', {}, html('span', { class: 'state', 'data-tone': each }, t(`overview.${each}`))),
    );
    byId('podMapLegend').replaceChildren(...legend);
    new ResizeObserver(() => this.#again()).observe(byId('podMapPlace'));
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', () => this.#recolour());
    new MutationObserver(() => this.#recolour()).observe(document.documentElement, { attributeFilter: ['data-scheme'] });
    document.addEventListener('view', () => this.#again());
    this.#canvas.addEventListener('pointermove', (event) => this.#point(this.#at(event)));
    this.#canvas.addEventListener('pointerleave', () => this.#point(null));
    this.#canvas.addEventListener('click', (event) => this.#open(this.#at(event)));
    this.#canvas.addEventListener('keydown', (event) => this.#pressed(event));
    this.#canvas.addEventListener('focus', () => this.#point(this.#current ?? this.#layout.cells[0] ?? null));
    this.#canvas.addEventListener('blur', () => this.#point(null));
  }

  /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
  take({ added, changed, removed }) {
    for (const pod of added) {
      if (!(pod instanceof KubePod)) continue;
      this.#pods.add(pod);
      this.#layoutDue = true;
    }
    for (const pod of removed) if (this.#pods.delete(/** @type {KubePod} */ (pod))) this.#layoutDue = true;
    for (const pod of changed) if (pod instanceof KubePod) this.#dirty.add(pod.uid);
    if (shown() === 'overview') repaint(this.#paint);
  }

  #again() {
    this.#layoutDue = true;
    if (shown() === 'overview') repaint(this.#paint);
  }

  #recolour() {
    this.#colours = this.#readColours();
    this.#again();
  }

  #paint = () => {
    const context = this.#canvas.getContext('2d');
    const width = byId('podMapPlace').clientWidth;
    if (!context || width === 0) return;
    if (this.#layoutDue) this.#arrangeSoon(width, context);
    for (const uid of this.#dirty) {
      const cell = this.#cells.get(uid);
      if (cell) this.#draw(context, cell);
    }
    this.#dirty.clear();
  };

  /** @param {number} width @param {CanvasRenderingContext2D} context */
  #arrangeSoon(width, context) {
    const due = this.#arrangedAt + ARRANGED_MS - performance.now();
    if (due > 0) {
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined;
        if (shown() === 'overview') repaint(this.#paint);
      }, due);
      return;
    }
    this.#layoutDue = false;
    this.#arrangedAt = performance.now();
    this.#arrange(width, context);
  }

  /** @param {number} width @param {CanvasRenderingContext2D} context */
  #arrange(width, context) {
    this.#layout = layOut(areasOf(this.#pods), width);
    const { cells, labels, height } = this.#layout;
    this.#cells = new Map(cells.map((cell) => [cell.uid, cell]));
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.floor(width * scale);
    this.#canvas.height = Math.floor(Math.max(height, 1) * scale);
    this.#canvas.style.inlineSize = `${width}px`;
    this.#canvas.style.blockSize = `${height}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.font = '12px system-ui, sans-serif';
    context.textBaseline = 'top';
    context.fillStyle = this.#colours.text;
    for (const { text, x, y, width: room } of labels) context.fillText(fitted(context, text, room), x, y);
    this.#drawn.clear();
    for (const cell of cells) this.#draw(context, cell);
    this.#dirty.clear();
    if (this.#current) this.#current = this.#cells.get(this.#current.uid) ?? null;
    byId('podMapEmpty').hidden = cells.length > 0;
    this.#canvas.hidden = cells.length === 0;
    const bad = [...this.#drawn.values()].filter((each) => each === 'bad' || each === 'warning').length;
    this.#canvas.setAttribute('aria-label', t('overview.mapOf', { count: cells.length, failing: bad, namespaces: labels.length }));
  }

  /** @param {CanvasRenderingContext2D} context @param {Cell} cell */
  #draw(context, cell) {
    const pod = this.#cluster.resource(cell.uid);
    if (!(pod instanceof KubePod)) return;
    const { size } = this.#layout;
    const look = tone(pod);
    this.#drawn.set(cell.uid, look);
    const [x, y, side] = [cell.x + 1, cell.y + 1, size - 2];
    context.clearRect(cell.x, cell.y, size, size);
    context.fillStyle = context.strokeStyle = this.#colours[look];
    context.lineWidth = size > 8 ? 1.5 : 1;
    if (look === 'waiting' || look === 'going') {
      context.strokeRect(x + 0.75, y + 0.75, side - 1.5, side - 1.5);
      if (look === 'going') line(context, x, y + side / 2, x + side, y + side / 2);
      return;
    }
    if (look === 'warning') {
      context.beginPath();
      context.moveTo(x + side / 2, y);
      context.lineTo(x + side, y + side);
      context.lineTo(x, y + side);
      context.fill();
      return;
    }
    context.fillRect(x, y, side, side);
    if (look === 'bad') {
      context.strokeStyle = this.#colours.page;
      line(context, x + side * 0.25, y + side * 0.25, x + side * 0.75, y + side * 0.75);
      line(context, x + side * 0.75, y + side * 0.25, x + side * 0.25, y + side * 0.75);
    }
  }

  /** @param {Cell | null} cell */
  #point(cell) {
    const context = this.#canvas.getContext('2d');
    if (!context) return;
    if (this.#current && this.#current !== cell) this.#draw(context, this.#current);
    this.#current = cell;
    const pod = this.#cluster.resource(cell?.uid ?? '');
    this.#canvas.style.cursor = pod ? 'pointer' : '';
    setText(this.#said, pod instanceof KubePod ? saying(pod) : t('overview.mapHint'));
    if (!cell || !pod) return;
    context.strokeStyle = this.#colours.accent;
    context.lineWidth = 2;
    context.strokeRect(cell.x + 1, cell.y + 1, this.#layout.size - 2, this.#layout.size - 2);
  }

  /** @param {MouseEvent} event @returns {Cell | null} */
  #at(event) {
    const { size, cells } = this.#layout;
    const { offsetX: x, offsetY: y } = event;
    return cells.find((cell) => x >= cell.x && x < cell.x + size && y >= cell.y && y < cell.y + size) ?? null;
  }

  /** @param {Cell | null} cell */
  #open(cell) {
    if (cell) this.#canvas.dispatchEvent(new CustomEvent('kubedom:open', { bubbles: true, detail: { uid: cell.uid } }));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { cells } = this.#layout;
    if (cells.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = this.#current ?? cells[0];
    const at = cells.indexOf(now);
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.#open(now);
      return;
    }
    /** @type {Record<string, () => Cell | undefined>} */
    const moves = {
      ArrowRight: () => cells[at + 1],
      ArrowLeft: () => cells[at - 1],
      ArrowDown: () => nearest(cells, now, 1),
      ArrowUp: () => nearest(cells, now, -1),
      Home: () => cells[0],
      End: () => cells.at(-1),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    this.#point(move() ?? now);
  }

  #readColours() {
    const style = getComputedStyle(document.documentElement);
    // A custom property is text as it was written; only a colour of an element is a colour.
    const probe = html('span', { hidden: '' });
    document.body.append(probe);
    const colour = (/** @type {string} */ name) => {
      probe.style.color = `var(--${name})`;
      return getComputedStyle(probe).color || style.color;
    };
    const colours = {
      bad: colour('bad'), warning: colour('warning'), good: colour('good'), waiting: colour('accent'), done: colour('line'), going: colour('quiet'),
      text: colour('quiet'), page: colour('panel'), accent: colour('text'),
    };
    probe.remove();
    return colours;
  }
}

/** @param {Iterable<KubePod>} pods @returns {Area[]} */
function areasOf(pods) {
  /** @type {Map<string, Map<string, {uid: string, name: string}[]>>} */
  const areas = new Map();
  for (const pod of pods) {
    const { uid, name, namespace, workload } = pod;
    const groups = areas.get(namespace) ?? new Map();
    areas.set(namespace, groups);
    const owner = workload?.name ?? '';
    const group = groups.get(owner) ?? [];
    groups.set(owner, group);
    group.push({ uid, name });
  }
  const sorted = [...areas].sort(([one], [other]) => compare(one, other));
  return sorted.map(([name, groups]) => ({
    name,
    groups: [...groups]
      .sort(([one], [other]) => compare(one, other))
      .map(([workload, members]) => ({ name: workload, pods: members.sort((one, other) => compare(one.name, other.name)).map(({ uid }) => uid) })),
  }));
}

/** @param {KubePod} pod */
function saying(pod) {
  const trouble = pod.incidents.map(({ kind }) => spaced(kind)).join(', ');
  const { name, namespace, workload } = pod;
  return [name, namespace, workload?.name ?? '', pod.getAttribute('status') ?? '', trouble].filter(Boolean).join(' · ');
}

/**
 * @param {readonly Cell[]} cells
 * @param {Cell} from
 * @param {1 | -1} way Down or up.
 */
function nearest(cells, from, way) {
  const rows = cells.filter(({ y }) => (y - from.y) * way > 0);
  const distance = (/** @type {Cell} */ { x, y }) => Math.abs(y - from.y) * 4 + Math.abs(x - from.x);
  return rows.reduce((/** @type {Cell | undefined} */ best, cell) => (!best || distance(cell) < distance(best) ? cell : best), undefined);
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} room */
function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > room) end -= 1;
  return `${text.slice(0, end)}…`;
}

/** @param {CanvasRenderingContext2D} context @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 */
function line(context, x1, y1, x2, y2) {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}
