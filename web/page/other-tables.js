/**
 * The rows of workloads and of nodes, and what can be done to them.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 * @import {Command} from './actions.js'
 * @import {FilterBar} from './filter-bar.js'
 * @import {Row} from './live-table.js'
 * @import {Placement} from './placement.js'
 */
import { KubeNode, KubeWorkload as Workload } from '../kubedom.js';
import { actionButton, isRunning } from './actions.js';
import { failing } from './filters.js';
import { byId, html, setAttribute, setText } from './html.js';
import { LiveTable } from './live-table.js';
import { language } from './text.js';
import { go } from './views.js';
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
    create: (element) =>
      createRow(element, {
        kind: ({ kind }) => kind,
        ns: ({ namespace }) => namespace,
        ready: (workload) => workload.getAttribute('ready') ?? workload.getAttribute('schedule') ?? '',
      }),
    orders: {
      name: () => 0,
      kind: ({ resource: one }, { resource: other }) => compare(one.kind, other.kind),
      ns: (one, other) => compare(one.resource.namespace, other.resource.namespace),
      ready: ({ resource: one }, { resource: other }) => shareReady(one) - shareReady(other),
      status: byStatus,
      age: (one, other) => other.born - one.born,
    },
    counted: 'tables.workloads',
    none: byId('noWorkloads'),
    noMatches: byId('noWorkloadMatches'),
    bar,
  });
}

/** @param {KubeCluster} cluster @param {FilterBar} bar @param {Placement} placement */
export function nodesTable(cluster, bar, placement) {
  const table = /** @type {HTMLTableElement} */ (byId('nodesTable'));
  table.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go('pods', { ns: null, node: link.dataset.node ?? null });
  });
  return new LiveTable(cluster, {
    view: 'nodes',
    table,
    takes: (element) => element instanceof KubeNode,
    create: (element) =>
      createRow(element, {
        roles: rolesOf,
        pods: ({ name }) => placement.on(name).toLocaleString(language),
        version: versionOf,
      }),
    orders: {
      name: () => 0,
      pods: (one, other) => placement.on(one.resource.name) - placement.on(other.resource.name),
      version: ({ resource: one }, { resource: other }) => compare(versionOf(one), versionOf(other)),
      status: byStatus,
      age: (one, other) => other.born - one.born,
    },
    largestFirst: ['pods'],
    counted: 'tables.nodes',
    none: byId('noNodes'),
    noMatches: byId('noNodeMatches'),
    bar,
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
 * @param {Record<string, (resource: Resource) => string>} columns What stands between its name and its status.
 * @returns {Row<Resource>}
 */
function createRow(resource, columns) {
  const cell = (/** @type {string} */ column, /** @type {(Node | string)[]} */ ...children) =>
    html('td', { role: 'cell', 'data-column': column }, ...children);
  const { name, kind, uid } = resource;
  const opener = html('button', { type: 'button', class: 'name open', title: name, tabindex: '-1' }, html('bdi', {}, name));
  const head = html('th', { role: 'rowheader', scope: 'row', 'data-column': 'name' }, opener);
  const told = Object.entries(columns).map(([column, tell]) => {
    const place = column === 'pods' ? linkToPods(name) : html('bdi');
    return { td: cell(column, place), place, tell };
  });
  const state = html('span', { class: 'state' });
  const since = cell('age');
  const buttons = (BUTTONS[kind] ?? []).map((command) => actionButton(command, resource));
  const tr = html(
    'tr',
    { role: 'row', tabindex: '-1', 'data-uid': uid },
    head, ...told.map(({ td }) => td), cell('status', state), since, cell('actions', ...buttons),
  );
  const born = bornAt(resource);
  const paint = () => {
    for (const { place, tell } of told) setText(place, tell(resource));
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

/** @param {string} node */
function linkToPods(node) {
  return html('a', { href: `/?view=pods&node=${encodeURIComponent(node)}`, 'data-node': node, tabindex: '-1' });
}

/** @param {KubeResource} workload @returns {number} 1 for one of which everything is ready, and for what is never ready. */
function shareReady(workload) {
  const [ready, wanted] = (workload.getAttribute('ready') ?? '1/1').split('/').map(Number);
  return wanted > 0 ? ready / wanted : 1;
}

/** @param {KubeResource} node */
function versionOf(node) {
  return node.object?.status?.nodeInfo?.kubeletVersion ?? '';
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
