/**
 * From a pressed button to a command, and its progress in words.
 *
 * Every button of the page with the class `restartPod`, `deletePod` or `restartDeployment` works by one listener on the document, so
 * that ten thousand rows need none of their own. A button whose action runs stays disabled, also when it is painted anew.
 *
 * @import {KubeCluster, KubeResource} from '../index.js'
 */
import { CommandError, KubePod, KubeResource as Resource } from '../kubedom.js';
import { confirmed } from './confirm.js';
import { toast } from './toasts.js';

const COMMANDS = {
  restartPod: { verb: 'Restart', doing: 'Restarting', done: 'Restarted' },
  deletePod: { verb: 'Delete', doing: 'Deleting', done: 'Deleted' },
  restartDeployment: { verb: 'Restart', doing: 'Restarting', done: 'Restarted' },
};

/** @typedef {keyof typeof COMMANDS} Command */
/** @typedef {{command: Command, uid: string, text: string, state: 'running' | 'done' | 'failed'}} Progress */

/** @type {Map<string, Progress>} The running actions by command and uid. */
const running = new Map();

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
    const command = /** @type {Command | undefined} */ (Object.keys(COMMANDS).find((name) => button?.classList.contains(name)));
    const element = cluster.resource(button?.dataset.uid ?? '');
    if (button && command && element && !event.defaultPrevented) void start(command, element, onprogress);
  });

  /** @type {Map<string, ReturnType<typeof toast>>} What others started, by the action's name. */
  const others = new Map();
  cluster.addEventListener('healingStarted', (event) => {
    const { action, actionName, requestedBy, message } = event.detail;
    const mine = [...running.values()].find((each) => each.command === action && each.uid === event.resource.uid);
    if (mine) onprogress(Object.assign(mine, { text: message || mine.text }));
    else if (!event.replayed) others.set(actionName, toast(`${requestedBy || 'Someone'} started ${action} of ${nameOf(event)}.`, 'running'));
  });
  for (const type of /** @type {const} */ (['healingSucceeded', 'healingFailed'])) {
    cluster.addEventListener(type, (event) => {
      const { action, actionName, message } = event.detail;
      const how = type === 'healingSucceeded' ? 'done' : 'failed';
      others.get(actionName)?.finish(message || `${action} of ${nameOf(event)} ${how === 'done' ? 'is done' : 'failed'}.`, how);
      others.delete(actionName);
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
  const { verb, doing, done } = COMMANDS[command];
  if (running.has(key) || !(await confirmed(verb, command, element)) || running.has(key)) return;
  /** @type {Progress} */
  const progress = { command, uid, text: `${doing} ${name} …`, state: 'running' };
  running.set(key, progress);
  onprogress(progress);
  const note = toast(progress.text, 'running');
  try {
    const result = await element.command(command, {}, { reason: `${verb} pressed on the kubedom page` });
    Object.assign(progress, { text: result.message || `${done} ${name}.`, state: 'done' });
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
  button.dataset.uid = element.uid;
  button.dataset.namespace = element.namespace;
  button.dataset[element instanceof KubePod ? 'podName' : 'deploymentName'] = element.name;
  button.disabled = isRunning(command, element.uid) || !(element instanceof Resource && element.isConnected);
}
