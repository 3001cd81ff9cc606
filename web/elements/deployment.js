/** `<kube-deployment>`: a workload of any kind (attribute `kind`), with its pods inside. */
import { KubeResource, entryOf, reflect } from './resource.js';

export class KubeDeployment extends KubeResource {}

/** @param {KubeDeployment} workload */
export function reflectWorkload(workload) {
  const entry = entryOf(workload);
  const spec = entry?.object?.spec ?? {};
  const status = entry?.object?.status ?? {};
  // A daemon set has no spec.replicas: its nodes decide.
  const wanted = spec.replicas ?? status.desiredNumberScheduled ?? 1;
  const ready = status.readyReplicas ?? status.numberReady ?? 0;
  reflect(workload, {
    kind: entry?.kind,
    ready: `${ready}/${wanted}`,
    status: entry?.display?.status ?? workloadStatus(entry?.object ?? {}, ready, wanted),
  });
}

/**
 * A word for how a workload fares. It is a display only; whether something fails is for the operator's diagnosis to say.
 *
 * @param {import('../index.js').KubernetesObject} object
 * @param {number} ready
 * @param {number} wanted
 */
function workloadStatus(object, ready, wanted) {
  const { metadata = {}, spec = {}, status = {} } = object;
  /** @param {string} type */
  const condition = (type) => (status.conditions ?? []).find((/** @type {any} */ each) => each?.type === type);
  if (metadata.deletionTimestamp) return 'Terminating';
  if (spec.paused) return 'Paused';
  if (wanted === 0) return 'ScaledToZero';
  if (condition('Progressing')?.reason === 'ProgressDeadlineExceeded') return 'Stalled';
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'Updating';
  if (status.updatedReplicas !== undefined && status.updatedReplicas < wanted) return 'Updating';
  if (ready >= wanted) return 'Available';
  return condition('Available')?.status === 'False' ? 'Unavailable' : 'Degraded';
}
