// What a page author writes, as far as its types go; a line under @ts-expect-error must not compile.
import { ClusterEvent, CommandError, once, stream, type KubePod } from '../../../web/index.js';
import type * as Declared from '../../../web/index.js';
import type { Entry, EventEntry, ServerMessage, StateEntry, wire } from '../../../web/index.js';
import * as fake from '../../../web/fake.js';
import type * as DeclaredFake from '../../../web/fake-types.js';
import * as implemented from '../../../web/kubedom.js';

// The hand-written declarations promise nothing that the modules do not keep.
implemented.KubePod satisfies typeof Declared.KubePod;
implemented.KubeWorkload satisfies typeof Declared.KubeWorkload;
implemented.KubeDeployment satisfies typeof Declared.KubeDeployment;
implemented.KubeStatefulSet satisfies typeof Declared.KubeStatefulSet;
implemented.KubeDaemonSet satisfies typeof Declared.KubeDaemonSet;
implemented.KubeReplicaSet satisfies typeof Declared.KubeReplicaSet;
implemented.KubeJob satisfies typeof Declared.KubeJob;
implemented.KubeCronJob satisfies typeof Declared.KubeCronJob;
implemented.KubeNode satisfies typeof Declared.KubeNode;
implemented.KubeNamespace satisfies typeof Declared.KubeNamespace;
implemented.KubeCluster satisfies typeof Declared.KubeCluster;
implemented.ClusterEvent satisfies typeof Declared.ClusterEvent;
implemented.CommandError satisfies typeof Declared.CommandError;
implemented.once satisfies typeof Declared.once;
implemented.stream satisfies typeof Declared.stream;
fake.record satisfies typeof DeclaredFake.record;
fake.replay satisfies typeof DeclaredFake.replay;

document.addEventListener('podFailed', (event) => {
  event.detail.podName.toUpperCase();
  event.incident?.phase satisfies 'begin' | 'update' | 'end' | undefined;
  // @ts-expect-error A name is text.
  event.detail.podName.toFixed();
  // @ts-expect-error Whether it is a replay is not for listeners to say.
  event.replayed = true;
});

document.addEventListener('nodeNotReady', ({ detail }) => {
  detail.nodeName.toUpperCase();
  detail.message?.toUpperCase();
  detail.exitCode?.toFixed();
  // @ts-expect-error Whatever is not declared may be anything, but what is, is what it is.
  detail.nodeName.toFixed();
});

window.addEventListener('resource-recovered', (event) => event.detail.message?.length);
document.querySelector('kube-cluster')?.addEventListener('kube:status', (event) => {
  // @ts-expect-error There is no such state.
  if (event.detail.state === 'lively') return;
  event.detail.state satisfies 'live' | 'stale' | 'offline' | 'connecting';
});

const pod: KubePod | null = document.querySelector('kube-pod');
pod?.command('restartPod', {}, { reason: 'because', offline: 'keep', signal: AbortSignal.timeout(1000) }).then(
  (result) => result.message,
  (error) => error instanceof CommandError && error.code,
);
// @ts-expect-error The target is the element itself.
pod?.command('restartPod', {}, { target: { kind: 'Pod', name: 'other' } });
document.querySelector('kube-cluster')?.command('cordon', {}, { target: { kind: 'Node', name: 'n1' } });
pod?.can('deletePod').then((allowed) => allowed satisfies boolean);
document.addEventListener('kube:beforecommand', (event) => {
  event.detail.reason = `${event.detail.name} by hand`;
  event.waitUntil(Promise.resolve());
  // @ts-expect-error It is another command then.
  event.detail.name = 'deletePod';
});

export async function listens(signal: AbortSignal): Promise<string> {
  const failed = await once(document, 'podFailed', { signal, filter: (event) => event.detail.podName === 'api-1' });
  for await (const event of stream(document, 'nodeNotReady', { signal, max: 10, overflow: 'drop-newest' })) {
    return `${failed.detail.podName} on ${event.resource.name}`;
  }
  // @ts-expect-error There is no such way.
  stream(document, 'podFailed', { overflow: 'wait' });
  const own = await once<CustomEvent<number>>(document, 'of-my-own');
  return own.detail.toFixed();
}
// @ts-expect-error The projection is read-only.
if (pod) pod.object = null;

declare global {
  interface GlobalEventHandlersEventMap {
    orderLost: ClusterEvent<{ order: number }>;
  }
}
document.addEventListener('orderLost', (event) => event.detail.order.toFixed());

// Whoever reads the socket by themselves has the messages as the schema has them.
export function heard(message: wire.ServerMessage): number {
  if (message.type === 'hello') return message.head;
  if (message.type === 'changes') return message.entries?.at(-1)?.sequence ?? 0;
  // @ts-expect-error No other message than a hello names the cluster.
  return message.cluster ? 1 : 0;
}
({ type: 'subscribe', filter: { kinds: ['Pod'] } }) satisfies wire.ClientMessage;
// @ts-expect-error There is no such filter.
({ type: 'subscribe', filter: { kind: 'Pod' } }) satisfies wire.ClientMessage;
4408 satisfies wire.CloseCode;

// Whatever the schema allows can arrive at the SDK, and so can what only a later version knows.
export function arrives(message: wire.ServerMessage, entry: wire.Entry, state: wire.StateEntry, event: wire.EventEntry) {
  [message, { type: 'later', head: 1 }] satisfies ServerMessage[];
  [entry, { op: 'later', kind: 'Pod' }] satisfies Entry[];
  state satisfies StateEntry;
  event satisfies EventEntry;
}
