/**
 * kubedom: a Kubernetes cluster as elements of this document.
 *
 *     <kube-cluster src="/api/socket"></kube-cluster>
 *     <script type="module" src="/kubedom.js"></script>
 *
 * and from then on `document.addEventListener('podFailed', (event) => …event.detail.podName…)`.
 *
 * Importing this module defines the elements. The data's way: connection.js (the socket) → protocol.js (readable messages) →
 * position.js (each entry once) → applying.js (in slices) → tree.js (elements) and incidents.js (what is news) → events.js (listeners);
 * commands.js is the way back.
 */
import { KubeCluster } from './elements/cluster.js';
import { KubeDeployment } from './elements/deployment.js';
import { KubeNamespace } from './elements/namespace.js';
import { KubePod } from './elements/pod.js';
import { KubeResource } from './elements/resource.js';
import { CommandError } from './commands.js';
import { ClusterEvent } from './events.js';

const ELEMENTS = {
  'kube-pod': KubePod,
  'kube-deployment': KubeDeployment,
  'kube-namespace': KubeNamespace,
  // The last, because it connects as soon as it is defined.
  'kube-cluster': KubeCluster,
};

for (const [tag, constructor] of Object.entries(ELEMENTS)) {
  if (!customElements.get(tag)) customElements.define(tag, constructor);
}

export { ClusterEvent, CommandError, KubeCluster, KubeDeployment, KubeNamespace, KubePod, KubeResource };
