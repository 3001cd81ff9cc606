/** `<kube-namespace>`: a namespace in which something is; it is there without its own object being known. */
import { KubeResource } from './resource.js';

export class KubeNamespace extends KubeResource {
  static kind = 'Namespace';

  /** @param {import('../index.js').StateEntry} entry */
  static status({ object }) {
    const phase = object?.status?.phase;
    return { phase, status: phase };
  }
}
