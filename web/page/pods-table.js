/**
 * The rows of pods.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 * @import {FilterBar} from './filter-bar.js'
 * @import {Row} from './live-table.js'
 */
import { KubePod } from '../kubedom.js';
import { actionButton, isRunning } from './actions.js';
import { failing } from './filters.js';
import { byId, html, setAttribute, setText } from './html.js';
import { LiveTable } from './live-table.js';
import { t } from './text.js';
import { age, bornAt, compare, spaced } from './wording.js';

/** @param {KubeCluster} cluster @param {FilterBar} bar */
export function podsTable(cluster, bar) {
  return new LiveTable(cluster, {
    view: 'pods',
    table: byId('podsTable'),
    takes: (element) => element instanceof KubePod,
    create: createRow,
    orders: {
      name: () => 0,
      status: ({ resource: one }, { resource: other }) =>
        Number(failing(other)) - Number(failing(one)) || compare(status(one), status(other)),
      restarts: ({ resource: one }, { resource: other }) => restarts(one) - restarts(other),
      age: (one, other) => other.born - one.born,
    },
    largestFirst: ['restarts'],
    counted: 'tables.pods',
    none: byId('noPods'),
    noMatches: byId('noMatches'),
    bar,
  });
}

/**
 * @param {KubePod} pod
 * @returns {Row<KubePod>}
 */
function createRow(pod) {
  const cell = (/** @type {string} */ column, /** @type {(Node | string)[]} */ ...children) =>
    html('td', { role: 'cell', 'data-column': column }, ...children);
  const home = html('span', { class: 'home' });
  const name = html('button', { type: 'button', class: 'name open', title: pod.name, tabindex: '-1' }, html('bdi', {}, pod.name));
  const state = html('span', { class: 'state' });
  const trouble = html('span', { class: 'home' });
  const restart = actionButton('restartPod', pod);
  const remove = actionButton('deletePod', pod);
  const log = html('button', { type: 'button', class: 'log', 'aria-label': `${t('actions.log')} ${pod.name}` }, t('actions.log'));
  const head = html('th', { role: 'rowheader', scope: 'row', 'data-column': 'name' }, name, home);
  const ready = cell('ready');
  const restarted = cell('restarts');
  const since = cell('age');
  const tr = html(
    'tr',
    { role: 'row', tabindex: '-1', 'data-uid': pod.uid },
    head, ready, cell('status', state, trouble), restarted, since, cell('actions', log, restart, remove),
  );
  const born = bornAt(pod);
  const paint = () => {
    const { workload, namespace } = pod;
    setText(home, workload ? `${namespace} · ${workload.name}` : namespace);
    setText(ready, pod.getAttribute('ready') ?? '');
    setText(state, status(pod));
    setAttribute(state, 'data-tone', tone(pod));
    setAttribute(state, 'title', pod.incidents.map((incident) => incident.message || incident.kind).join('\n') || null);
    setText(trouble, [...new Set(pod.incidents.map((incident) => spaced(incident.kind)))].join(', '));
    setText(restarted, String(restarts(pod)));
    restarted.toggleAttribute('data-none', restarts(pod) === 0);
    setText(since, age(born));
    tr.toggleAttribute('data-failing', failing(pod));
    restart.disabled = isRunning('restartPod', pod.uid) || restart.hasAttribute('data-denied');
    remove.disabled = isRunning('deletePod', pod.uid) || remove.hasAttribute('data-denied');
  };
  return { resource: pod, tr, paint, age: since, born };
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

/** @param {KubeResource} pod */
function status(pod) {
  return pod.getAttribute('status') ?? 'Unknown';
}

/** @param {KubeResource} pod */
function restarts(pod) {
  return Number(pod.getAttribute('restarts') ?? 0);
}
