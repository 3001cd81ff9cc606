/**
 * The question before an action that cannot be taken back.
 *
 * It promises that the focus is on the harmless answer, that Escape is a no, and that the focus goes back to where it was. A dry
 * run answers in the dialog, which stays open for the decision.
 */
import { html, setText } from './html.js';

/**
 * Why a command should be asked about first; empty for one that mends and can be repeated.
 *
 * @param {string} command
 * @param {Record<string, unknown>} parameters
 */
export function dangerOf(command, { replicas, force }) {
  if (force === true) return 'It does not wait for disruption budgets.';
  if (command === 'deletePod') return 'The pod is evicted; one that belongs to no workload is not started again.';
  if (command === 'drain') return 'Every pod is evicted from the node; one that belongs to no workload is not started again.';
  if (command === 'rollback') return 'Its pods are replaced by those of an earlier revision.';
  if (command === 'scale' && replicas === 0) return 'No pod of it is left running.';
  return '';
}

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {string} yes The words of the button that does it.
 * @property {() => Promise<string>} rehearse Does a dry run and says what it found.
 */

/**
 * @param {ShadowRoot} root Where the dialog is shown.
 * @param {Question} question
 * @param {AbortSignal} signal Takes the question back.
 * @returns {Promise<boolean>}
 */
export async function confirmed(root, { title, text, yes, rehearse }, signal) {
  const heading = html('h2', { id: 'title', part: 'dialog-title' }, title);
  const words = html('p', { id: 'text', part: 'dialog-text' }, text);
  const found = html('p', { part: 'dialog-result', role: 'status' });
  const cancel = html('button', { type: 'button', part: 'cancel', autofocus: true }, 'Cancel');
  const dryRun = html('button', { type: 'button', part: 'dry-run' }, 'Dry run');
  const confirm = html('button', { type: 'button', part: 'confirm', class: 'danger' }, yes);
  const dialog = html(
    'dialog',
    { part: 'dialog', role: 'alertdialog', 'aria-labelledby': 'title', 'aria-describedby': 'text' },
    heading,
    words,
    found,
    html('div', { part: 'dialog-footer' }, cancel, dryRun, confirm),
  );
  cancel.addEventListener('click', () => dialog.close());
  confirm.addEventListener('click', () => dialog.close('yes'));
  dryRun.addEventListener('click', async () => {
    if (dryRun.getAttribute('aria-disabled') === 'true') return;
    dryRun.setAttribute('aria-disabled', 'true');
    setText(found, 'Dry run: asking the cluster…');
    setText(found, `Dry run: ${await rehearse()}`);
    dryRun.setAttribute('aria-disabled', 'false');
  });
  const takeBack = () => dialog.close();
  signal.addEventListener('abort', takeBack);
  root.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  signal.removeEventListener('abort', takeBack);
  dialog.remove();
  return dialog.returnValue === 'yes' && !signal.aborted;
}
