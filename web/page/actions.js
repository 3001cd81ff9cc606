/**
 * From a pressed button to a command, and its progress in words.
 *
 * Every button of the page whose class is a command (`restartPod`, `deletePod`, …) works by one listener on the document, so
 * that ten thousand rows need none of their own. A button whose action runs stays disabled, also when it is painted anew.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 */
import { CommandError, KubeResource as Resource } from '../kubedom.js';
import { confirmed } from './confirm.js';
import { html } from './html.js';
import { t } from './text.js';
import { toast } from './toasts.js';

/** The commands that have buttons here; their words are in the catalogue. */
const COMMANDS = /** @type {const} */ ([
  'restartPod', 'deletePod', 'restartDeployment', 'restartStatefulSet', 'restartDaemonSet', 'rollback', 'retryJob', 'suspendCronJob',
  'resumeCronJob', 'runCronJob', 'cordon', 'uncordon', 'drain',
]);

/** @typedef {(typeof COMMANDS)[number]} Command */
/** @typedef {{command: Command, uid: string, text: string, state: 'running' | 'done' | 'failed'}} Progress */

/** @type {Map<string, Progress>} The running actions by command and uid. */
const running = new Map();

/** @type {Map<string, {key: string, who: string}>} What others do, as far as this page was told, by the action's name. */
const theirs = new Map();

/**
 * @param {string} command
 * @param {string} uid
 */
export function isRunning(command, uid) {
  return running.has(`${command}/${uid}`);
}

/**
 * @param {KubeCluster} cluster
 * @param {(progress: Progress) => void} onprogress Is told of every step, of the actions that this page started.
 */
export function handleActions(cluster, onprogress) {
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const command = COMMANDS.find((name) => button?.classList.contains(name));
    const element = cluster.resource(button?.dataset.uid ?? '');
    if (button && command && element && !event.defaultPrevented) void start(command, element, onprogress);
  });

  /** @type {Map<string, ReturnType<typeof toast>>} What others started, by the action's name. */
  const others = new Map();
  // Whether they go on is not known any more.
  cluster.addEventListener('kube:resync', () => theirs.clear());
  cluster.addEventListener('healingStarted', (event) => {
    const { action, actionName, requestedBy, message } = event.detail;
    const mine = [...running.values()].find((each) => each.command === action && each.uid === event.resource.uid);
    if (mine) onprogress(Object.assign(mine, { text: message || mine.text }));
    else {
      const who = requestedBy || t('actions.someone');
      theirs.set(actionName, { key: `${action}/${event.resource.uid}`, who });
      if (!event.replayed) others.set(actionName, toast(t('actions.startedBy', { who, action, name: nameOf(event) }), 'running'));
    }
  });
  for (const type of /** @type {const} */ (['healingSucceeded', 'healingFailed'])) {
    cluster.addEventListener(type, (event) => {
      const { action, actionName, message } = event.detail;
      const how = type === 'healingSucceeded' ? 'done' : 'failed';
      others.get(actionName)?.finish(message || t(`actions.${how}`, { action, name: nameOf(event) }), how);
      others.delete(actionName);
      theirs.delete(actionName);
    });
  }
}

/** @param {import('../index.js').ClusterEvent} event */
function nameOf(event) {
  return event.detail.target?.name ?? event.resource.name;
}

/**
 * @param {Command} command
 * @param {KubeResource} element
 * @param {(progress: Progress) => void} onprogress
 */
async function start(command, element, onprogress) {
  const { uid, name } = element;
  const key = `${command}/${uid}`;
  const other = [...theirs.values()].find((each) => each.key === key);
  if (other) {
    toast(t('actions.runsAlready', { who: other.who, action: command, name }), 'failed');
    return;
  }
  if (running.has(key) || !(await confirmed(command, element)) || running.has(key)) return;
  /** @type {Progress} */
  const progress = { command, uid, text: t(`actions.${command}.doing`, { name }), state: 'running' };
  running.set(key, progress);
  onprogress(progress);
  const note = toast(progress.text, 'running');
  try {
    const result = await element.command(command, {}, { reason: 'pressed on the kubedom page' });
    Object.assign(progress, { text: result.message || t(`actions.${command}.done`, { name }), state: 'done' });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    Object.assign(progress, { text: error.message, state: 'failed' });
  } finally {
    running.delete(key);
    note.finish(progress.text, progress.state === 'done' ? 'done' : 'failed');
    onprogress(progress);
  }
}

/**
 * Makes a button the one for a command on a resource.
 *
 * @param {HTMLButtonElement} button
 * @param {Command} command
 * @param {KubeResource} element
 */
export function aim(button, command, element) {
  button.classList.add(command);
  button.dataset.command = command;
  button.dataset.uid = element.uid;
  button.dataset.namespace = element.namespace;
  const { kind, name } = element;
  // As events name it: data-pod-name, data-deployment-name.
  button.dataset[`${kind.charAt(0).toLowerCase()}${kind.slice(1)}Name`] = name;
  button.disabled = isRunning(command, element.uid) || button.hasAttribute('data-denied') || !(element instanceof Resource && element.isConnected);
}

/**
 * @param {Command} command
 * @param {KubeResource} element
 * @returns {HTMLButtonElement} The button of a row for this command.
 */
export function actionButton(command, element) {
  const label = t(`actions.${command}.label`, { name: element.name });
  const button = html('button', { type: 'button', 'aria-label': label }, t(`actions.${command}`));
  aim(button, command, element);
  return button;
}
