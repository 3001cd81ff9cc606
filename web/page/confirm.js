/**
 * The one question that the page asks before an action: a pod without a workload does not come back.
 *
 * @import {KubeResource} from '../index.js'
 */
import { KubePod } from '../kubedom.js';
import { byId, setText } from './html.js';

/**
 * @param {string} verb
 * @param {string} command
 * @param {KubeResource} element
 * @returns {Promise<boolean>}
 */
export async function confirmed(verb, command, element) {
  if (!(element instanceof KubePod) || element.workload) return true;
  /** @type {HTMLDialogElement} */
  const dialog = byId('confirmDialog');
  if (dialog.open) return false;
  setText(byId('confirmTitle'), `${verb} ${element.name}?`);
  const means = command === 'restartPod' ? 'Restarting it means evicting it, and nothing' : 'Nothing';
  setText(byId('confirmText'), `This pod belongs to no workload. ${means} starts it again.`);
  setText(byId('confirmYes'), `${verb} it for good`);
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'yes';
}
