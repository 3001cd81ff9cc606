/**
 * kubedom: a Kubernetes cluster as elements of this document.
 *
 *     <kube-cluster src="/api/socket"></kube-cluster>
 *     <script type="module" src="/kubedom.js"></script>
 *
 * and from then on `document.addEventListener('podFailed', (event) => …event.detail.podName…)`.
 *
 * Importing this module defines the elements. The data's way: hub.js (one socket for all pages, in a worker; with connection.js)
 * → link.js (this page's port to it) → position.js (each entry once) → applying.js (in slices) → tree.js (elements) and
 * incidents.js (what is news) → events.js (listeners); commands.js and rights.js are the way back.
 */
import { KubeCluster } from './elements/cluster.js';
import { KubeNamespace } from './elements/namespace.js';
import { KubeNode } from './elements/node.js';
import { KubePod } from './elements/pod.js';
import { KubeResource } from './elements/resource.js';
import {
  KubeCronJob,
  KubeDaemonSet,
  KubeDeployment,
  KubeJob,
  KubeReplicaSet,
  KubeStatefulSet,
  KubeWorkload,
} from './elements/workload.js';
import { CommandError } from './commands.js';
import { ClusterEvent } from './events.js';
import { once, stream } from './listening.js';

const ELEMENTS = {
  'kube-cronjob': KubeCronJob,
  'kube-daemonset': KubeDaemonSet,
  'kube-deployment': KubeDeployment,
  'kube-job': KubeJob,
  'kube-namespace': KubeNamespace,
  'kube-node': KubeNode,
  'kube-pod': KubePod,
  'kube-replicaset': KubeReplicaSet,
  'kube-statefulset': KubeStatefulSet,
  // The last, because it connects as soon as it is defined.
  'kube-cluster': KubeCluster,
};

for (const [tag, constructor] of Object.entries(ELEMENTS)) {
  if (!customElements.get(tag)) customElements.define(tag, constructor);
}

export {
  ClusterEvent,
  CommandError,
  KubeCluster,
  KubeCronJob,
  KubeDaemonSet,
  KubeDeployment,
  KubeJob,
  KubeNamespace,
  KubeNode,
  KubePod,
  KubeReplicaSet,
  KubeResource,
  KubeStatefulSet,
  KubeWorkload,
  once,
  stream,
};
