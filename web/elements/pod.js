/** `<kube-pod>`: one pod, inside its workload's element or directly in its namespace's. */
import { KubeResource, entryOf, reflect } from './resource.js';

export class KubePod extends KubeResource {
  get kind() {
    return 'Pod';
  }

  /** The workload that the pod belongs to, also while that has no element. */
  get workload() {
    return entryOf(this)?.workload ?? null;
  }
}

/** @param {KubePod} pod */
export function reflectPod(pod) {
  const entry = entryOf(pod);
  const display = entry?.display;
  const status = entry?.object?.status ?? {};
  reflect(pod, {
    phase: status.phase,
    status: display?.status ?? status.phase,
    ready: `${display?.ready ?? 0}/${display?.total ?? 0}`,
    restarts: display?.restarts ?? 0,
    node: entry?.object?.spec?.nodeName,
  });
}
