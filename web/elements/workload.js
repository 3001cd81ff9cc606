/**
 * `<kube-deployment>`, `<kube-statefulset>`, `<kube-daemonset>`, `<kube-replicaset>`, `<kube-job>` and `<kube-cronjob>`: what pods belong
 * to, with its pods (a cron job: with its jobs) inside. The words for how one fares are a display only; whether something fails
 * is for the operator's diagnosis to say.
 *
 * @import {KubernetesObject, StateEntry} from '../index.js'
 */
import { KubeResource } from './resource.js';

export class KubeWorkload extends KubeResource {
  /**
   * @param {StateEntry} entry
   * @returns {import('./resource.js').Attributes}
   */
  static status({ object, display }) {
    const { spec = {}, status = {} } = object ?? {};
    // A daemon set has no spec.replicas: its nodes decide.
    const wanted = spec.replicas ?? status.desiredNumberScheduled ?? 1;
    const ready = status.readyReplicas ?? status.numberReady ?? 0;
    return { ready: `${ready}/${wanted}`, status: display?.status ?? rollout(object ?? {}, ready, wanted) };
  }
}

export class KubeDeployment extends KubeWorkload {
  static kind = 'Deployment';
}

export class KubeStatefulSet extends KubeWorkload {
  static kind = 'StatefulSet';
}

export class KubeDaemonSet extends KubeWorkload {
  static kind = 'DaemonSet';
}

/** One that no deployment made. */
export class KubeReplicaSet extends KubeWorkload {
  static kind = 'ReplicaSet';
}

export class KubeJob extends KubeWorkload {
  static kind = 'Job';

  /** @param {StateEntry} entry */
  static status({ object }) {
    const { metadata = {}, spec = {}, status = {} } = object ?? {};
    const done = status.succeeded ?? 0;
    let word = status.active ? 'Running' : 'Pending';
    if (spec.suspend) word = 'Suspended';
    if (holds(status, 'Failed')) word = 'Failed';
    if (holds(status, 'Complete')) word = 'Complete';
    if (metadata.deletionTimestamp) word = 'Terminating';
    return { ready: `${done}/${spec.completions ?? 1}`, status: word };
  }
}

export class KubeCronJob extends KubeWorkload {
  static kind = 'CronJob';

  /** @param {StateEntry} entry */
  static status({ object }) {
    const { spec = {}, status = {} } = object ?? {};
    return { schedule: spec.schedule, status: spec.suspend ? 'Suspended' : status.active?.length ? 'Active' : 'Waiting' };
  }
}

/**
 * @param {any} status
 * @param {string} type
 */
function holds(status, type) {
  return condition(status, type)?.status === 'True';
}

/**
 * @param {any} status
 * @param {string} type
 */
function condition(status, type) {
  return (status.conditions ?? []).find((/** @type {any} */ each) => each?.type === type);
}

/**
 * @param {KubernetesObject} object
 * @param {number} ready
 * @param {number} wanted
 */
function rollout({ metadata = {}, spec = {}, status = {} }, ready, wanted) {
  if (metadata.deletionTimestamp) return 'Terminating';
  if (spec.paused) return 'Paused';
  if (wanted === 0) return 'ScaledToZero';
  if (condition(status, 'Progressing')?.reason === 'ProgressDeadlineExceeded') return 'Stalled';
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'Updating';
  if (status.updatedReplicas !== undefined && status.updatedReplicas < wanted) return 'Updating';
  if (ready >= wanted) return 'Available';
  return condition(status, 'Available')?.status === 'False' ? 'Unavailable' : 'Degraded';
}
