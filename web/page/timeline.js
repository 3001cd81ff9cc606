/**
 * The last hour as a histogram, and a list of what happened in the part of it that is chosen.
 *
 * It lives from the events that arrive; of the time before the page was opened it knows what is still open and the actions that
 * the user may list, and says so. A part is chosen by dragging over the bars, or with the two sliders below them.
 *
 * @import {ClusterEvent, KubeCluster} from '../index.js'
 * @import {Bar, Happening} from './history.js'
 */
import { History, MINUTES, SORTS } from './history.js';
import { byId, html, setText } from './html.js';
import { repaint } from './painting.js';
import { askJson } from './requests.js';
import { t } from './text.js';
import { shown } from './views.js';
import { clock, sentence, spaced } from './wording.js';

const SVG = 'http://www.w3.org/2000/svg';
const [WIDTH, HEIGHT] = [600, 80];
const STEP = WIDTH / MINUTES;
const LISTED = 100;
const AGAIN_MS = 5000;

export class Timeline {
  #history = new History();
  #since = Date.now();
  #chart = byId('timelineChart');
  /** @type {HTMLInputElement} */
  #from = byId('timelineFrom');
  /** @type {HTMLInputElement} */
  #to = byId('timelineTo');
  /** @type {number | null} The minute where a drag began. */
  #dragged = null;
  #read = false;

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    for (const type of /** @type {const} */ (['resource-failed', 'resource-recovered'])) {
      cluster.addEventListener(type, (event) => this.#note(event, type === 'resource-failed' ? 'failure' : 'recovery'));
    }
    for (const type of /** @type {const} */ (['healingStarted', 'healingSucceeded', 'healingFailed'])) {
      cluster.addEventListener(type, (event) => this.#note(event, 'action'));
    }
    cluster.addEventListener('kube:status', () => {
      if (cluster.status.state === 'live' && !this.#read) void this.#readBack(cluster);
    });
    document.addEventListener('view', () => this.refresh());
    for (const slider of [this.#from, this.#to]) {
      slider.max = String(MINUTES - 1);
      slider.addEventListener('input', () => this.#choose(Number(this.#from.value), Number(this.#to.value)));
    }
    this.#to.value = String(MINUTES - 1);
    this.#chart.addEventListener('pointerdown', (event) => {
      this.#dragged = this.#minute(event);
      this.#chart.setPointerCapture(event.pointerId);
      this.#choose(this.#dragged, this.#dragged);
    });
    this.#chart.addEventListener('pointermove', (event) => {
      if (this.#dragged !== null) this.#choose(this.#dragged, this.#minute(event));
    });
    for (const type of ['pointerup', 'pointercancel']) this.#chart.addEventListener(type, () => (this.#dragged = null));
    byId('timelineAll').addEventListener('click', () => this.#choose(0, MINUTES - 1));
    byId('timelineList').addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button?.dataset.uid) button.dispatchEvent(new CustomEvent('kubedom:open', { bubbles: true, detail: { uid: button.dataset.uid } }));
    });
    setInterval(() => this.refresh(), AGAIN_MS);
    this.refresh();
  }

  refresh() {
    if (shown() === 'overview') repaint(this.#paint);
  }

  /** @param {ClusterEvent} event @param {Happening['sort']} sort */
  #note({ id, time, resource, incident, detail }, sort) {
    const about = `${resource.kind} ${resource.name}`;
    const title = sort === 'action' ? `${spaced(detail.action ?? '')}: ${detail.target?.name ?? about}` : `${spaced(incident?.kind ?? '')}: ${about}`;
    this.#history.add({ id, time: Date.parse(time), sort, title, text: String(detail.message ?? ''), uid: resource.uid });
    this.refresh();
  }

  /** @param {KubeCluster} cluster */
  async #readBack(cluster) {
    this.#read = true;
    for (const incident of cluster.incidents) {
      const { id, since, resource, kind } = incident;
      const title = `${spaced(kind)}: ${resource.kind} ${resource.name}`;
      this.#history.add({ id: `open ${id}`, time: Date.parse(since), sort: 'failure', title, text: sentence(incident), uid: resource.uid });
    }
    this.refresh();
    // Who may not list actions has none to see.
    const { items } = await askJson('/api/v1/actions').catch(() => ({ items: [] }));
    for (const { metadata, spec, status } of items) {
      const time = Date.parse(status.startedAt ?? metadata.creationTimestamp);
      if (time >= this.#since) continue;
      const title = `${spaced(spec.action)}: ${spec.target.name}`;
      this.#history.add({ id: metadata.uid, time, sort: 'action', title, text: status.message ?? '', uid: spec.target.uid ?? '' });
    }
    this.refresh();
  }

  /** @param {PointerEvent} event */
  #minute(event) {
    const { left, width } = this.#chart.getBoundingClientRect();
    return Math.min(MINUTES - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * MINUTES)));
  }

  /** @param {number} one @param {number} other */
  #choose(one, other) {
    this.#from.value = String(Math.min(one, other));
    this.#to.value = String(Math.max(one, other));
    repaint(this.#paint);
  }

  #paint = () => {
    const bars = this.#history.bars(Date.now());
    const [from, to] = [Number(this.#from.value), Number(this.#to.value)];
    const whole = from === 0 && to === MINUTES - 1;
    const highest = Math.max(4, ...bars.map((bar) => SORTS.reduce((sum, sort) => sum + bar[sort], 0)));
    this.#chart.replaceChildren(...bars.flatMap((bar, at) => drawn(bar, at, highest, !whole && at >= from && at <= to)));
    const begins = bars[from].from;
    const ends = bars[to].from + 60_000;
    const chosen = this.#history.between(begins, ends);
    byId('timelineAll').hidden = whole;
    const range = whole ? t('overview.lastHour') : t('overview.between', { from: clock(begins), to: clock(ends) });
    setText(byId('timelineRange'), `${range} ${t('overview.happenings', { count: chosen.length })}`);
    for (const [slider, at] of /** @type {const} */ ([[this.#from, from], [this.#to, to]])) slider.setAttribute('aria-valuetext', clock(bars[at].from));
    setText(byId('timelineSince'), t('overview.watchedSince', { time: clock(this.#since) }));
    const counts = SORTS.map((sort) => t(`overview.${sort}s`, { count: bars.reduce((sum, bar) => sum + bar[sort], 0) }));
    this.#chart.setAttribute('aria-label', `${t('overview.lastHour')} ${counts.join(', ')}`);
    this.#list(chosen.slice(0, LISTED));
  };

  /** @param {Happening[]} happenings */
  #list(happenings) {
    const list = byId('timelineList');
    const known = [...list.children].map((item) => item.getAttribute('data-id'));
    if (known.length === happenings.length && happenings.every(({ id }, at) => known[at] === id)) return;
    list.replaceChildren(
      ...happenings.map(({ id, time, sort, title, text, uid }) =>
        html(
          'li',
          { 'data-id': id, 'data-sort': sort },
          html('button', { type: 'button', 'data-uid': uid }, html('time', {}, clock(time)), html('span', { class: 'what' }, html('bdi', {}, title)), html('span', { class: 'sentence' }, text)),
        ),
      ),
    );
  }
}

/** @param {Bar} bar @param {number} at @param {number} highest @param {boolean} chosen */
function drawn(bar, at, highest, chosen) {
  let top = HEIGHT;
  const parts = SORTS.flatMap((sort) => {
    if (bar[sort] === 0) return [];
    const height = Math.max(3, (bar[sort] / highest) * HEIGHT);
    top -= height;
    return [rect({ class: sort, x: at * STEP + 1, y: top, width: STEP - 2, height })];
  });
  const back = rect({ class: chosen ? 'chosen' : 'back', x: at * STEP, y: 0, width: STEP, height: HEIGHT });
  return [back, ...parts];
}

/** @param {Record<string, string | number>} attributes */
function rect(attributes) {
  const element = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
