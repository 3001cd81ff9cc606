/**
 * Buttons that the user may not press are greyed out, with the reason; asked when somebody looks at them, not for ten thousand rows.
 *
 * @import {KubeCluster} from '../index.js'
 */
import { isRunning } from './actions.js';
import { t } from './text.js';

/** For so long an answer stands. */
const KEPT_MS = 20_000;
/** @type {WeakMap<Element, number>} When was asked for the buttons in it. */
const asked = new WeakMap();

/**
 * @param {Element} within A row, or a dialog's footer; its buttons have `data-command` and `data-uid`.
 * @param {KubeCluster} cluster
 */
export function greyOut(within, cluster) {
  const now = performance.now();
  if (now - (asked.get(within) ?? -Infinity) < KEPT_MS || cluster.status.state !== 'live') return;
  asked.set(within, now);
  for (const button of within.querySelectorAll('button')) void judge(button, cluster);
}

/** @param {Element} within What was withdrawn is to be asked for again. */
export function forget(within) {
  asked.delete(within);
}

/** @param {HTMLButtonElement} button @param {KubeCluster} cluster */
async function judge(button, cluster) {
  const { command, uid = '' } = button.dataset;
  const element = cluster.resource(uid);
  if (!command || !element) return;
  // Where nobody can say, the API server says it when the button is pressed.
  const may = await element.can(command).catch(() => true);
  if (button.dataset.command !== command || button.dataset.uid !== uid) return;
  button.toggleAttribute('data-denied', !may);
  button.disabled = !may || isRunning(command, uid);
  if (may) button.removeAttribute('title');
  else button.title = t('actions.notAllowed');
}
