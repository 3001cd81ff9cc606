/**
 * The workloads: how many of their pods are ready, and a button to restart a deployment.
 *
 * @import {KubeResource} from '../index.js'
 */
import { KubeWorkload } from '../kubedom.js';
import { aim, isRunning } from './actions.js';
import { byId, html, setAttribute, setText } from './html.js';
import { repaint } from './painting.js';
import { failing } from './pods-table.js';

/** @typedef {{element: KubeWorkload, item: HTMLLIElement, state: HTMLElement, ready: HTMLElement, meter: HTMLMeterElement, restart: HTMLButtonElement | null}} Item */

export class WorkloadList {
  /** @type {Map<KubeResource, Item>} */
  #items = new Map();
  #membersDiffer = false;

  /** @param {{added: KubeResource[], removed: KubeResource[], changed: KubeResource[]}} change */
  take({ added, removed, changed }) {
    for (const element of added) {
      if (!(element instanceof KubeWorkload)) continue;
      this.#items.set(element, createItem(element));
      this.#membersDiffer = true;
    }
    for (const element of removed) {
      this.#items.get(element)?.item.remove();
      if (this.#items.delete(element)) this.#membersDiffer = true;
    }
    if (this.#membersDiffer || changed.some((element) => this.#items.has(element))) this.refresh();
  }

  refresh() {
    repaint(this.#paint);
  }

  #paint = () => {
    for (const item of this.#items.values()) paintItem(item);
    if (this.#membersDiffer) {
      this.#membersDiffer = false;
      const list = byId('workloadList');
      [...this.#items.values()]
        .sort((one, other) => compare(key(one.element), key(other.element)))
        .forEach(({ item }, at) => {
          if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
        });
    }
    byId('noWorkloads').hidden = this.#items.size > 0;
  };
}

/**
 * @param {KubeWorkload} element
 * @returns {Item}
 */
function createItem(element) {
  const { name, namespace, kind } = element;
  const state = html('span', { class: 'state' });
  const ready = html('span', { class: 'ready' });
  const meter = html('meter', { min: '0', 'aria-label': `Ready pods of ${name}` });
  const where = kind === 'Deployment' ? namespace : `${namespace} · ${kind}`;
  /** @type {HTMLButtonElement | null} */
  let restart = null;
  if (kind === 'Deployment') {
    restart = html('button', { type: 'button', class: 'restartDeployment', 'aria-label': `Restart ${name}` }, 'Restart');
    aim(restart, 'restartDeployment', element);
  }
  const names = html(
    'div',
    { class: 'names' },
    html('span', { class: 'name', title: name }, html('bdi', {}, name)),
    html('span', { class: 'home' }, html('bdi', {}, where)),
  );
  const item = html('li', {}, names, restart ?? '', html('div', { class: 'fares' }, html('div', { class: 'line' }, state, ready), meter));
  return { element, item, state, ready, meter, restart };
}

/** @param {Item} item */
function paintItem({ element, state, ready, meter, restart }) {
  const [have = '0', want = '0'] = (element.getAttribute('ready') ?? '').split('/');
  setText(ready, `${have}/${want}`);
  meter.max = Math.max(1, Number(want));
  meter.value = Number(have);
  meter.hidden = want === '0';
  const word = element.getAttribute('status') ?? '';
  setText(state, word);
  setAttribute(state, 'data-tone', tone(element, word));
  if (restart) restart.disabled = isRunning('restartDeployment', element.uid);
}

/**
 * @param {KubeWorkload} element
 * @param {string} word
 */
function tone(element, word) {
  if (failing(element)) return element.incidents.every((incident) => incident.severity === 'warning') ? 'warning' : 'bad';
  if (word === 'Stalled') return 'bad';
  if (word === 'Available') return 'good';
  return word === 'Paused' || word === 'ScaledToZero' ? 'done' : 'waiting';
}

const { compare } = new Intl.Collator('en', { numeric: true });

/** @param {KubeWorkload} element */
function key(element) {
  return `${element.name}\n${element.namespace}`;
}
