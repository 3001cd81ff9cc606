/**
 * The one question that the page asks before an action, where it cannot be taken back: a pod without a workload does not come back,
 * and a drained node is empty.
 *
 * @import {KubeResource} from '../index.js'
 * @import {Command} from './actions.js'
 */
import { KubePod } from '../kubedom.js';
import { byId, setText } from './html.js';
import { t } from './text.js';

/**
 * @param {Command} command
 * @param {KubeResource} element
 * @returns {Promise<boolean>}
 */
export async function confirmed(command, element) {
  const forGood = element instanceof KubePod && !element.workload;
  if (!forGood && command !== 'drain' && command !== 'rollback') return true;
  /** @type {HTMLDialogElement} */
  const dialog = byId('confirmDialog');
  if (dialog.open) return false;
  const { name } = element;
  setText(byId('confirmTitle'), t('actions.really', { verb: t(`actions.${command}`), name }));
  const why = forGood ? (command === 'restartPod' ? 'actions.noneRestarts' : 'actions.noneMakes') : command === 'drain' ? 'actions.drains' : 'actions.rollsBack';
  setText(byId('confirmText'), t(why));
  setText(byId('confirmYes'), forGood ? t('actions.forGood', { verb: t(`actions.${command}`) }) : t(`actions.${command}`));
  dialog.returnValue = '';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'yes';
}
