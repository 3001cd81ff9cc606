/** `<kube-pod>`: one pod, inside its workload's element or directly in its namespace's. */
import { KubeResource, entryOf } from './resource.js';

export class KubePod extends KubeResource {
  static kind = 'Pod';

  /** @param {import('../index.js').StateEntry} entry */
  static status({ object, display }) {
    const phase = object?.status?.phase;
    return {
      phase,
      status: display?.status ?? phase,
      ready: `${display?.ready ?? 0}/${display?.total ?? 0}`,
      restarts: display?.restarts ?? 0,
      node: object?.spec?.nodeName,
    };
  }

  get workload() {
    return entryOf(this)?.workload ?? null;
  }
}
