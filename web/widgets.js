/**
 * Widgets that need no code of the page: `import 'kubedom/widgets.js'` defines
 *
 *     <kube-count selector="kube-pod[incident]"></kube-count> pods are failing
 *     <kube-healthcheck src="/api/orders/health" interval="10s" expect="200 ready"></kube-healthcheck>
 *     <kube-button command="restartDeployment" for="kube-deployment[name=web]">Restart</kube-button>
 *     <kube-modal on="podFailed podCrashLooping"></kube-modal>
 *
 * Each has a shadow root with parts to style and custom properties for its colours (widgets/look.js); none runs code from
 * attributes or makes markup from strings, so that they work under the strictest content policy.
 */
import './kubedom.js';
import { KubeButton } from './widgets/button.js';
import { KubeCount } from './widgets/count.js';
import { KubeHealthcheck } from './widgets/healthcheck.js';
import { KubeModal } from './widgets/modal.js';
import { KubeWidget } from './widgets/widget.js';

const WIDGETS = {
  'kube-button': KubeButton,
  'kube-count': KubeCount,
  'kube-healthcheck': KubeHealthcheck,
  'kube-modal': KubeModal,
};

for (const [tag, constructor] of Object.entries(WIDGETS)) {
  if (!customElements.get(tag)) customElements.define(tag, constructor);
}

export { KubeButton, KubeCount, KubeHealthcheck, KubeModal, KubeWidget };
