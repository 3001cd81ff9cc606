/**
 * What the dialog knows of a resource, as terms and values.
 *
 * @import {Incident, KubeResource} from '../../index.js'
 */
import { KubePod } from '../../kubedom.js';
import { t } from '../text.js';
import { age, clock, spaced } from '../wording.js';

const SHOWN_ELSEWHERE = new Set(['message', 'nextStep', 'namespace', 'restartHelps', 'podName', 'deploymentName', 'container', 'memberNames']);

/**
 * A resource that does not fail, as the dialog shows one that does.
 *
 * @param {KubeResource} element
 * @returns {Incident}
 */
export function healthy(element) {
  const { kind, name, namespace, uid } = element;
  const status = element.getAttribute('status') ?? '';
  return /** @type {Incident} */ ({
    id: '', kind: status, severity: 'none', since: element.object?.metadata?.creationTimestamp ?? '', container: '', group: '',
    message: t('incident.is', { kind, name, status: status || '?' }), detail: {}, resource: { kind, name, namespace, uid },
  });
}

/**
 * @param {Incident} incident
 * @param {KubeResource | null} element
 * @returns {[string, string][]}
 */
export function factsOf(incident, element) {
  /** @type {[string, string][]} */
  const facts = [[t('incident.since'), `${clock(incident.since)} (${age(incident.since)})`]];
  if (incident.container) facts.push([t('incident.container'), incident.container]);
  for (const [name, value] of Object.entries(incident.detail)) {
    const told = SHOWN_ELSEWHERE.has(name) || value === null || value === '' || (typeof value === 'object' && !Array.isArray(value));
    if (!told) facts.push([spaced(name), Array.isArray(value) ? value.join(', ') : String(value)]);
  }
  if (!(element instanceof KubePod)) return facts;
  if (!('restartCount' in incident.detail)) facts.push([t('incident.restarts'), element.getAttribute('restarts') ?? '0']);
  const last = lastState(element, incident.container);
  if (last && !('exitCode' in incident.detail)) facts.push([t('incident.lastState'), last]);
  const node = element.getAttribute('node');
  if (node) facts.push([t('incident.node'), node]);
  facts.push([t('incident.workload'), ownerOf(element)]);
  return facts;
}

/** @param {KubePod} pod How its owner is, where that has an element. */
function ownerOf(pod) {
  const { workload } = pod;
  if (!workload) return t('incident.noWorkload');
  const owner = pod.parentElement;
  const there = owner?.getAttribute('name') === workload.name;
  const how = there ? [owner.getAttribute('status'), owner.getAttribute('ready')].filter(Boolean).join(' ') : '';
  return `${workload.kind} ${workload.name}${how ? ` (${how})` : ''}`;
}

/**
 * @param {KubePod} pod
 * @param {string} container The one that failed; without one, any that ended before.
 */
function lastState(pod, container) {
  /** @type {any[]} */
  const statuses = pod.object?.status?.containerStatuses ?? [];
  const ended = statuses.filter(({ name }) => !container || name === container).map(({ lastState: last }) => last?.terminated).find(Boolean);
  return ended ? t('incident.ended', { code: String(ended.exitCode ?? '?'), reason: ended.reason ?? '', time: clock(ended.finishedAt) }) : '';
}
