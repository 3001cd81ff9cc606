/**
 * What happens: kubedom's own events as they arrive, and the Events that Kubernetes keeps.
 *
 * @import {ClusterEvent, KubeCluster} from '../index.js'
 */
import { address } from './address.js';
import { Chunks } from './chunks.js';
import { byId, html, setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { Refusal, askJson } from './requests.js';
import { t } from './text.js';
import { shown } from './views.js';
import { age, clock, spaced } from './wording.js';

const AGAIN_MS = 10_000;
const LIVE = 200;
const HEARD = /** @type {const} */ ([
  'resource-failed', 'resource-recovered', 'healingAwaitingApproval', 'healingStarted', 'healingSucceeded', 'healingFailed', 'healingPlanned', 'healingSkipped',
]);

export class EventsView {
  /** @type {KubeCluster} */
  #cluster;
  #chunks = new Chunks(byId('eventsTable'));
  /** @type {any[]} */
  #events = [];
  #known = false;
  #read = -Infinity;
  /** @type {HTMLElement[]} Not the events themselves: each holds its element, also when that is gone. */
  #live = [];
  /** @type {HTMLInputElement} */
  #paused = byId('livePaused');
  /** @type {HTMLInputElement} */
  #search = byId('eventSearch');
  /** @type {HTMLInputElement} */
  #warnings = byId('eventWarnings');

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    for (const type of HEARD) cluster.addEventListener(type, (event) => this.#hear(/** @type {ClusterEvent} */ (event)));
    cluster.addEventListener('kube:resync', () => this.#forget());
    this.#paused.addEventListener('change', () => this.#paintLive());
    this.#search.addEventListener('input', () => address.set({ q: this.#search.value.trim() }, { replace: true }));
    this.#warnings.addEventListener('change', () => address.set({ type: this.#warnings.checked ? 'Warning' : null }));
    address.addEventListener('change', () => this.#follow());
    document.addEventListener('view', () => this.#follow());
    byId('view-events').addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button.open') : null;
      if (button instanceof HTMLButtonElement) this.#open(button);
    });
    setInterval(() => void this.#refresh(), AGAIN_MS);
    this.#follow();
  }

  #follow() {
    if (shown() !== 'events') return;
    if (this.#search.value.trim() !== address.get('q')) this.#search.value = address.get('q');
    this.#warnings.checked = address.get('type') === 'Warning';
    this.#paintLive();
    repaint(this.#paint);
    void this.#refresh();
  }

  async #refresh() {
    if (shown() !== 'events' || document.visibilityState === 'hidden' || performance.now() - this.#read < AGAIN_MS / 2) return;
    this.#read = performance.now();
    try {
      ({ items: this.#events } = await askJson('/api/v1/events'));
      this.#known = true;
      this.#say('');
    } catch (error) {
      this.#say(error instanceof Refusal ? error.message : t('account.unreachable'));
    }
    repaint(this.#paint);
  }

  #paint = () => {
    const words = address.get('q').toLowerCase().split(/\s+/).filter(Boolean);
    const [type, namespaces] = [address.get('type'), address.all('ns')];
    const passing = this.#events.filter((event) => {
      const text = `${event.reason} ${event.message} ${event.object.kind} ${event.object.namespace ?? ''} ${event.object.name}`.toLowerCase();
      const here = namespaces.length === 0 || namespaces.includes(event.object.namespace);
      return (!type || event.type === type) && here && words.every((word) => text.includes(word));
    });
    this.#chunks.layOut(passing.map(rowOf));
    const count = this.#events.length;
    const all = t('logs.events', { count });
    const told = passing.length === count ? all : t('tables.someOf', { some: passing.length, all });
    // Where it is narrow its head is not shown, and a table without any row is none.
    const none = passing.length === 0;
    byId('eventsTable').hidden = none;
    byId('eventsNone').hidden = !none || !this.#known;
    setText(none ? byId('eventsNone') : (byId('eventsTable').querySelector('caption') ?? byId('eventsNone')), told);
    setAttribute(byId('eventsTable'), 'aria-rowcount', String(passing.length + 1));
  };

  /** @param {ClusterEvent} event */
  #hear(event) {
    const { incident, resource, detail, type, time } = event;
    const what = incident ? spaced(incident.kind) : spaced(detail.action ?? type);
    const sort = type === 'resource-recovered' || type === 'healingSucceeded' ? 'good' : type === 'resource-failed' || type === 'healingFailed' ? 'bad' : 'waiting';
    const button = html('button', { type: 'button', class: 'open', 'data-uid': resource.uid }, html('bdi', {}, `${resource.kind} ${resource.name}`));
    const state = html('span', { class: 'state', 'data-tone': sort }, what);
    const item = html('li', { 'data-namespace': resource.namespace }, html('time', {}, clock(time)), state, button, html('span', { class: 'sentence' }, String(detail.message ?? '')));
    this.#live.unshift(item);
    this.#live.length = Math.min(this.#live.length, LIVE);
    if (shown() === 'events') repaint(this.#paintLive);
  }

  /** What was of namespaces that are not there any more, for example because a right was taken away, is not shown on. */
  #forget() {
    const there = new Set(['', ...[...this.#cluster.children].map((each) => each.getAttribute('name') ?? '')]);
    this.#live = this.#live.filter(({ dataset: { namespace = '' } }) => there.has(namespace));
    repaint(this.#paintLive);
  }

  #paintLive = () => {
    byId('liveNone').hidden = this.#live.length > 0;
    if (this.#paused.checked) return;
    const list = byId('liveList');
    if (list.firstElementChild !== (this.#live[0] ?? null) || list.childElementCount !== this.#live.length) list.replaceChildren(...this.#live);
  };

  /** @param {HTMLButtonElement} button */
  #open(button) {
    const { uid = '', kind, namespace, name } = button.dataset;
    if (this.#cluster.resource(uid)) button.dispatchEvent(new CustomEvent('kubedom:open', { bubbles: true, detail: { uid } }));
    else if (kind && name) button.dispatchEvent(new CustomEvent('kubedom:yaml', { bubbles: true, detail: { kind, namespace, name } }));
  }

  /** @param {string} text */
  #say(text) {
    byId('eventsSaid').hidden = text === '';
    setText(byId('eventsSaid'), text);
  }
}

/** @param {any} event */
function rowOf({ type, reason, message, count, lastTime, object }) {
  const { kind, namespace = '', name, uid = '' } = object;
  const cell = (/** @type {string} */ column, /** @type {(Node | string)[]} */ ...children) => html('td', { role: 'cell', 'data-column': column }, ...children);
  const about = html('button', { type: 'button', class: 'open', 'data-uid': uid, 'data-kind': kind, 'data-namespace': namespace, 'data-name': name }, html('bdi', {}, `${kind} ${name}`));
  return html(
    'tr',
    { role: 'row' },
    cell('age', age(lastTime)),
    cell('status', html('span', { class: 'state', 'data-tone': type === 'Warning' ? 'warning' : 'done' }, reason), html('span', { class: 'home' }, count > 1 ? `×${count}` : '')),
    html('th', { role: 'rowheader', scope: 'row', 'data-column': 'name' }, about, html('span', { class: 'home' }, html('bdi', {}, namespace))),
    cell('message', message),
  );
}
