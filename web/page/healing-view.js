/**
 * Healing: what is being done, what was done, what policies have decided, and what is held back.
 *
 * It is read when it is looked at and when something of it happens; running actions are told live by their events.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { address } from './address.js';
import { byId, html, setText } from './html.js';
import { toneOf } from './incident/extras.js';
import { repaint } from './painting.js';
import { Refusal, askJson } from './requests.js';
import { t } from './text.js';
import { shown } from './views.js';
import { age, clock, spaced } from './wording.js';

/** Events come in bursts; one reading is enough for all of them. */
const SOON_MS = 1000;
const AGAIN_MS = 15_000;
const MOST = 200;
const DECISIONS = 5;
const HEARD = /** @type {const} */ (['healingAwaitingApproval', 'healingStarted', 'healingSucceeded', 'healingFailed', 'healingPlanned', 'healingSkipped']);
const ENDED = new Set(['Succeeded', 'Failed', 'Denied', 'Expired']);
/** @type {Record<string, string>} */
const DECIDED = { Acted: 'good', DryRun: 'done', Waiting: 'waiting', Skipped: 'warning' };

export class HealingView {
  /** @type {Record<'actions' | 'policies' | 'vetoes', any[]>} */
  #lists = { actions: [], policies: [], vetoes: [] };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {HTMLSelectElement} */
  #phase = byId('actionPhase');
  /** @type {HTMLInputElement} */
  #search = byId('actionSearch');

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    for (const type of HEARD) cluster.addEventListener(type, () => this.#soon());
    cluster.addEventListener('kube:status', () => {
      if (cluster.status.state === 'live') this.#soon();
    });
    this.#phase.addEventListener('change', () => address.set({ phase: this.#phase.value }));
    this.#search.addEventListener('input', () => address.set({ q: this.#search.value.trim() }, { replace: true }));
    address.addEventListener('change', () => this.#follow());
    document.addEventListener('view', () => this.#soon(0));
    byId('view-healing').addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button.open') : null;
      if (!(button instanceof HTMLButtonElement)) return;
      const { kind, namespace, name } = button.dataset;
      button.dispatchEvent(new CustomEvent('kubedom:yaml', { bubbles: true, detail: { kind, namespace, name } }));
    });
    setInterval(() => this.#soon(0), AGAIN_MS);
    this.#follow();
  }

  #follow() {
    if (shown() !== 'healing') return;
    this.#phase.value = address.get('phase');
    if (this.#search.value.trim() !== address.get('q')) this.#search.value = address.get('q');
    repaint(this.#paint);
  }

  /** @param {number} [wait] */
  #soon(wait = SOON_MS) {
    if (shown() !== 'healing' || document.visibilityState === 'hidden') return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#read();
    }, wait);
  }

  async #read() {
    /** @type {string[]} */
    const refused = [];
    await Promise.all(
      /** @type {const} */ (['actions', 'policies', 'vetoes']).map(async (list) => {
        try {
          ({ items: this.#lists[list] } = await askJson(`/api/v1/${list}`));
        } catch (error) {
          refused.push(error instanceof Refusal ? error.message : t('account.unreachable'));
        }
      }),
    );
    const said = byId('healingSaid');
    said.hidden = refused.length === 0;
    setText(said, [...new Set(refused)].join(' '));
    repaint(this.#paint);
  }

  #paint = () => {
    const { actions, policies, vetoes } = this.#lists;
    const [phase, words, namespaces] = [address.get('phase'), address.get('q').toLowerCase().split(/\s+/).filter(Boolean), address.all('ns')];
    const passing = actions.filter(({ metadata, spec, status }) => {
      const text = `${spec.action} ${spec.target.kind} ${spec.target.name} ${metadata.namespace ?? ''} ${spec.requestedBy ?? ''} ${status.message ?? ''}`.toLowerCase();
      const here = namespaces.length === 0 || namespaces.includes(metadata.namespace);
      return (!phase || (status.phase ?? 'Pending') === phase) && here && words.every((word) => text.includes(word));
    });
    const running = passing.filter(({ status }) => !ENDED.has(status.phase));
    const ended = passing.filter(({ status }) => ENDED.has(status.phase));
    fill('actionsRunning', running.slice(0, MOST).map(actionItem), 'noneRunning');
    fill('actionsEnded', ended.slice(0, MOST).map(actionItem), 'noneEnded');
    fill('policyList', policies.map(policyItem), 'noPolicies');
    fill('vetoList', vetoes.map(vetoItem), 'noVetoes');
  };
}

/** @param {string} list @param {HTMLElement[]} items @param {string} none */
function fill(list, items, none) {
  const place = byId(list);
  const before = document.activeElement;
  const focused = before instanceof HTMLElement && place.contains(before) ? before.dataset : null;
  place.replaceChildren(...items);
  byId(none).hidden = items.length > 0;
  if (!focused) return;
  const same = [...place.querySelectorAll('button')].find(({ dataset }) => dataset.name === focused.name && dataset.namespace === focused.namespace);
  same?.focus();
}

/** @param {any} action */
function actionItem({ metadata, spec, status }) {
  const { phase = 'Pending', message = '', changes = [], rightsOf = '' } = status;
  const kind = metadata.namespace ? 'HealingAction' : 'ClusterHealingAction';
  const where = metadata.namespace ? ` ${t('overview.in')} ${metadata.namespace}` : '';
  const title = html('span', { class: 'what' }, spaced(spec.action), spec.dryRun ? ` (${t('incident.tried')})` : '', ': ', html('bdi', {}, `${spec.target.kind} ${spec.target.name}`), where);
  const by = t('healing.by', { who: spec.requestedBy || '?', time: age(metadata.creationTimestamp) });
  const rights = rightsOf && rightsOf !== spec.requestedBy ? ` ${t('healing.rightsOf', { who: rightsOf })}` : '';
  return html(
    'li',
    {},
    html('div', { class: 'line' }, html('span', { class: 'state', 'data-tone': toneOf(phase) }, phase), title, openButton(kind, metadata)),
    html('p', { class: 'sentence' }, message),
    html('p', { class: 'where' }, by, rights),
    changes.length > 0 ? html('ul', { class: 'changes' }, ...changes.map((/** @type {string} */ change) => html('li', {}, change))) : '',
  );
}

/** @param {any} policy */
function policyItem({ metadata, spec, status }) {
  const { counts = {}, decisions = [], conditions = [] } = status;
  const marks = [spec.paused ? t('healing.paused') : '', spec.dryRun !== false ? t('incident.tried') : ''].filter(Boolean).join(', ');
  const what = spec.action ?? (spec.steps ?? []).map((/** @type {any} */ step) => step.action).join(' → ');
  const brake = conditions.find((/** @type {any} */ each) => each.type === 'Braked' && each.status === 'True');
  const latest = [...decisions].reverse().slice(0, DECISIONS);
  return html(
    'li',
    {},
    html(
      'div',
      { class: 'line' },
      html('span', { class: 'what' }, html('bdi', {}, metadata.name), ` ${t('overview.in')} `, html('bdi', {}, metadata.namespace)),
      marks ? html('span', { class: 'badge quiet' }, marks) : '',
      openButton('HealingPolicy', metadata),
    ),
    html('p', { class: 'sentence' }, `${(spec.failures ?? []).map(spaced).join(', ')} → ${spaced(what)}`),
    html('p', { class: 'where' }, t('healing.counts', { open: counts.open ?? 0, actions: counts.actions ?? 0 })),
    brake ? html('p', { class: 'fault' }, brake.message) : '',
    latest.length > 0
      ? html('ul', { class: 'changes' }, ...latest.map((/** @type {any} */ each) => html('li', {}, html('time', {}, clock(each.time)), ' ', html('span', { class: 'state', 'data-tone': DECIDED[each.decision] ?? 'waiting' }, `${each.decision}: ${each.reason}`), ' ', each.message)))
      : '',
  );
}

/** @param {any} veto */
function vetoItem({ metadata, spec }) {
  const about = html('bdi', {}, `${spec.target.kind} ${spec.target.name}`);
  return html(
    'li',
    {},
    html('div', { class: 'line' }, html('span', { class: 'what' }, about, ` ${t('overview.in')} `, html('bdi', {}, metadata.namespace)), openButton('HealingVeto', metadata)),
    html('p', { class: 'where' }, t('healing.until', { time: clock(spec.until), who: spec.requestedBy || '?' }), spec.reason ? ` ${spec.reason}` : ''),
  );
}

/** @param {string} kind @param {any} metadata */
function openButton(kind, { namespace = '', name }) {
  return html('button', { type: 'button', class: 'open', 'data-kind': kind, 'data-namespace': namespace, 'data-name': name, 'aria-label': `YAML ${name}` }, 'YAML');
}
