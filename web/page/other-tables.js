/**
 * The rows of workloads and of nodes, and what can be done to them.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 * @import {Command} from './actions.js'
 * @import {FilterBar} from './filter-bar.js'
 * @import {Row} from './live-table.js'
 */
import { KubeNode, KubeWorkload as Workload } from '../kubedom.js';
import { actionButton, isRunning } from './actions.js';
import { failing } from './filters.js';
import { byId, html, setAttribute, setText } from './html.js';
import { LiveTable } from './live-table.js';
import { age, bornAt, compare } from './wording.js';

/** @type {Record<string, Command[]>} The kinds with their buttons. */
const BUTTONS = {
  Deployment: ['restartDeployment'],
  StatefulSet: ['restartStatefulSet'],
  DaemonSet: ['restartDaemonSet'],
  Job: ['retryJob'],
  CronJob: ['runCronJob', 'suspendCronJob', 'resumeCronJob'],
  Node: ['cordon', 'uncordon', 'drain'],
};

/** @type {Record<string, (resource: KubeResource) => boolean>} When a button makes sense. */
const APPLIES = {
  retryJob: (job) => job.getAttribute('status') === 'Failed',
  suspendCronJob: (job) => job.getAttribute('status') !== 'Suspended',
  resumeCronJob: (job) => job.getAttribute('status') === 'Suspended',
  cordon: (node) => !node.object?.spec?.unschedulable,
  uncordon: (node) => node.object?.spec?.unschedulable === true,
};

/** @param {KubeCluster} cluster @param {FilterBar} bar */
export function workloadsTable(cluster, bar) {
  return new LiveTable(cluster, {
    view: 'workloads',
    table: byId('workloadsTable'),
    takes: (element) => element instanceof Workload,
    create: (element) => createRow(element, (workload) => [workload.getAttribute('ready') ?? workload.getAttribute('schedule') ?? '']),
    orders: {
      name: () => 0,
      kind: ({ resource: one }, { resource: other }) => compare(one.kind, other.kind),
      status: byStatus,
      age: (one, other) => other.born - one.born,
    },
    counted: 'tables.workloads',
    none: byId('noWorkloads'),
    noMatches: byId('noWorkloadMatches'),
    onmembers: (rows) => bar.offer(rows),
  });
}

/** @param {KubeCluster} cluster @param {FilterBar} bar */
export function nodesTable(cluster, bar) {
  return new LiveTable(cluster, {
    view: 'nodes',
    table: byId('nodesTable'),
    takes: (element) => element instanceof KubeNode,
    create: (element) => createRow(element, (node) => [rolesOf(node), node.object?.status?.nodeInfo?.kubeletVersion ?? '']),
    orders: { name: () => 0, status: byStatus, age: (one, other) => other.born - one.born },
    counted: 'tables.nodes',
    none: byId('noNodes'),
    noMatches: byId('noNodeMatches'),
    onmembers: (rows) => bar.offer(rows),
  });
}

/** @param {Row<KubeResource>} one @param {Row<KubeResource>} other */
function byStatus({ resource: one }, { resource: other }) {
  return (
    Number(failing(other)) - Number(failing(one)) || compare(one.getAttribute('status') ?? '', other.getAttribute('status') ?? '')
  );
}

/**
 * @template {KubeResource} Resource
 * @param {Resource} resource
 * @param {(resource: Resource) => string[]} facts What stands between its name and its status.
 * @returns {Row<Resource>}
 */
function createRow(resource, facts) {
  const cell = (/** @type {string} */ column, /** @type {(Node | string)[]} */ ...children) =>
    html('td', { role: 'cell', 'data-column': column }, ...children);
  const { name, namespace, kind, uid } = resource;
  const opener = html('button', { type: 'button', class: 'name open', title: name, tabindex: '-1' }, html('bdi', {}, name));
  const home = html('span', { class: 'home' }, html('bdi', {}, namespace ? `${namespace} · ${kind}` : ''));
  const head = html('th', { role: 'rowheader', scope: 'row', 'data-column': 'name' }, opener, home);
  const told = facts(resource).map((_, at) => cell(`fact${at}`));
  const state = html('span', { class: 'state' });
  const since = cell('age');
  const buttons = (BUTTONS[kind] ?? []).map((command) => actionButton(command, resource));
  const tr = html(
    'tr',
    { role: 'row', tabindex: '-1', 'data-uid': uid },
    head, ...told, cell('status', state), since, cell('actions', ...buttons),
  );
  const born = bornAt(resource);
  const paint = () => {
    facts(resource).forEach((text, at) => setText(told[at], text));
    setText(state, resource.getAttribute('status') ?? '');
    setAttribute(state, 'data-tone', toneOf(resource));
    setAttribute(state, 'title', resource.incidents.map((incident) => incident.message || incident.kind).join('\n') || null);
    setText(since, age(born));
    tr.toggleAttribute('data-failing', failing(resource));
    for (const button of buttons) {
      const command = /** @type {Command} */ (button.dataset.command);
      button.hidden = APPLIES[command]?.(resource) === false;
      button.disabled = isRunning(command, uid) || button.hasAttribute('data-denied');
    }
  };
  return { resource, tr, paint, age: since, born };
}

/** @param {KubeResource} node */
function rolesOf(node) {
  const labels = Object.keys(node.object?.metadata?.labels ?? {});
  return labels.flatMap((label) => (label.startsWith('node-role.kubernetes.io/') ? [label.slice(24)] : [])).join(', ');
}

/** @param {KubeResource} resource */
export function toneOf(resource) {
  if (failing(resource)) return resource.incidents.every((incident) => incident.severity === 'warning') ? 'warning' : 'bad';
  const word = resource.getAttribute('status') ?? '';
  if (['Stalled', 'Failed', 'NotReady'].includes(word.split(',')[0])) return 'bad';
  if (['Available', 'Ready', 'Running', 'Active'].includes(word)) return 'good';
  if (['Paused', 'ScaledToZero', 'Suspended', 'Complete', 'Waiting'].includes(word)) return 'done';
  return word === 'Terminating' ? 'going' : 'waiting';
}
