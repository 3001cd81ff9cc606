// What a page author writes with the widgets, as far as its types go; a line under @ts-expect-error must not compile.
import type { HealthcheckDetail } from '../../../web/widgets/index.js';
import type * as Declared from '../../../web/widgets/index.js';
import type { ClusterEvent } from '../../../web/index.js';
import * as implemented from '../../../web/widgets.js';

// The hand-written declarations promise nothing that the modules do not keep.
implemented.KubeButton satisfies typeof Declared.KubeButton;
implemented.KubeCount satisfies typeof Declared.KubeCount;
implemented.KubeHealthcheck satisfies typeof Declared.KubeHealthcheck;
implemented.KubeModal satisfies typeof Declared.KubeModal;
implemented.KubeWidget satisfies typeof Declared.KubeWidget;

const check = document.querySelector('kube-healthcheck');
check?.check().then((passed) => passed satisfies boolean);
check?.addEventListener('resource-failed', (event) => {
  const detail = event.detail as HealthcheckDetail;
  detail.expected.toUpperCase();
  // @ts-expect-error A check fails for no other reason than these.
  detail.reason satisfies 'Status' | 'Text';
});

document.querySelector('kube-button')?.target?.command('restartPod');
// @ts-expect-error Which resource it is about, its attributes say.
document.createElement('kube-button').target = null;
document.querySelector('kube-count')?.count?.toFixed();

document.addEventListener('kube:open', ({ detail }) => {
  detail.event.type.toUpperCase();
  if ('resource' in detail.event) (detail.event satisfies ClusterEvent).resource.uid.toUpperCase();
});
// @ts-expect-error A modal opens for an event, not by itself.
document.querySelector('kube-modal')?.show();
