/** `<kube-node>`: one node, directly in the cluster's element. */
import { KubeResource } from './resource.js';

export class KubeNode extends KubeResource {
  static kind = 'Node';

  /** @param {import('../index.js').StateEntry} entry */
  static status({ object }) {
    /** @type {{type?: string, status?: string}[]} */
    const conditions = object?.status?.conditions ?? [];
    const ready = conditions.find((each) => each?.type === 'Ready')?.status;
    // As `kubectl get nodes` prints it.
    const word = ready === 'True' ? 'Ready' : ready === undefined ? 'Unknown' : 'NotReady';
    return { status: object?.spec?.unschedulable ? `${word},SchedulingDisabled` : word };
  }
}
