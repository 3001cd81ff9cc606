// Against the packed package, as it is installed: check-package.sh compiles it there.
import { ClusterEvent, CommandError, once, stream, type KubePod, type wire } from 'kubedom';
import { replay } from 'kubedom/fake.js';
import { KubeModal, type HealthcheckDetail } from 'kubedom/widgets.js';

document.addEventListener('podFailed', (event) => event.detail.podName.toUpperCase());
document.addEventListener('cronJobDeleted', ({ detail }) => detail.cronJobName.toUpperCase());
document.addEventListener('healingFailed', ({ detail }) => detail.requestedBy.toUpperCase());
// @ts-expect-error A name is text.
document.addEventListener('nodeNotReady', ({ detail }) => detail.nodeName.toFixed());

const pod: KubePod | null = document.querySelector('kube-pod');
pod?.command('restartPod').then(
  ({ action }) => action?.name.toUpperCase(),
  (error) => error instanceof CommandError && error.code,
);
const modal: KubeModal | null = document.querySelector('kube-modal');
modal?.close();
document.querySelector('kube-healthcheck')?.addEventListener('resource-failed', (event) => {
  (event.detail as HealthcheckDetail).expected.toUpperCase();
});

export async function wait(): Promise<string> {
  const { detail } = await once(document, 'podRecovered');
  for await (const event of stream(document, 'resource-failed')) if (event instanceof ClusterEvent) return event.resource.uid;
  const cluster = document.querySelector('kube-cluster');
  if (cluster) (await replay(cluster, [])).commands.at(-1) satisfies wire.Command | undefined;
  return detail.podName;
}
