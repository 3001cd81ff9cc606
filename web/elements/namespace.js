/** `<kube-namespace>`: a namespace in which something is; it is there without its own object being known. */
import { KubeResource, entryOf, reflect } from './resource.js';

export class KubeNamespace extends KubeResource {
  get kind() {
    return 'Namespace';
  }
}

/** @param {KubeNamespace} namespace */
export function reflectNamespace(namespace) {
  const status = entryOf(namespace)?.object?.status ?? {};
  reflect(namespace, { phase: status.phase, status: status.phase });
}
