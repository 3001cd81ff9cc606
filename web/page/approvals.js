/**
 * Actions that wait for somebody's approval: a list as long as there are any, and a modal that asks.
 *
 * The modal is the default of `healingAwaitingApproval` (`preventDefault()` keeps it closed). It opens by itself only for what is
 * news, when no other one is open and nobody types; else the list is what shows it. A decision is a command with the user's own
 * rights, and the API server's refusal is shown in its words. What somebody else decides meanwhile is said.
 *
 * @import {ClusterEvent, HealingDetail, KubeCluster} from '../index.js'
 */
import { CommandError } from '../kubedom.js';
import { byId, html, setText, typing } from './html.js';
import { toast } from './toasts.js';
import { age, clock, doing } from './wording.js';

/**
 * @typedef {object} Waiting
 * @property {string} name Of the action.
 * @property {string} uid Of the action.
 * @property {string} namespace Empty for an action on a node.
 * @property {string} action
 * @property {{kind: string, name: string}} target
 * @property {string} requestedBy
 * @property {string} reason
 * @property {string} since RFC 3339.
 * @property {string} until RFC 3339; empty where it is not known.
 */

const REST = '/api/v1/actions';
const DECIDED = /** @type {const} */ (['healingStarted', 'healingSucceeded', 'healingFailed']);

export class Approvals {
  /** @type {KubeCluster} */
  #cluster;
  /** @type {Map<string, Waiting>} By the action's uid. */
  #waiting = new Map();
  /** @type {Waiting | null} What the modal asks about. */
  #asked = null;
  /** @type {HTMLDialogElement} */
  #dialog = byId('approvalDialog');
  /** @type {HTMLInputElement} */
  #reason = byId('approvalReason');
  #buttons = /** @type {HTMLButtonElement[]} */ ([byId('approvalYes'), byId('approvalNo')]);

  /** @param {KubeCluster} cluster */
  constructor(cluster) {
    this.#cluster = cluster;
    cluster.addEventListener('healingAwaitingApproval', (event) => this.#add(waitingOf(event)));
    cluster.addEventListener('kube:default', ({ detail: { event } }) => {
      if (event.type !== 'healingAwaitingApproval' || event.replayed) return;
      const waiting = this.#waiting.get(event.detail.actionUid);
      if (waiting && !typing() && !document.querySelector('dialog[open]')) this.open(waiting);
    });
    for (const type of DECIDED) cluster.addEventListener(type, (event) => this.#decided(event));

    this.#buttons[0]?.addEventListener('click', () => void this.#decide('approveHealing'));
    this.#buttons[1]?.addEventListener('click', () => void this.#decide('denyHealing'));
    byId('approvalClose').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#asked = null;
    });
  }

  /** Reads which actions wait; one that may not be listed is not the user's to approve. */
  async read() {
    // What is told while the answer is under way is newer than the answer.
    const before = [...this.#waiting.keys()];
    /** @type {Response} */
    let answer;
    try {
      answer = await fetch(REST);
    } catch {
      // The connection's own state is shown already.
      return;
    }
    if (!answer.ok) return;
    /** @type {{items: any[]}} */
    const { items } = await answer.json();
    const found = items.filter(({ status }) => status.phase === 'AwaitingApproval').map(waitingOfObject);
    const uids = new Set(found.map(({ uid }) => uid));
    for (const uid of before) if (!uids.has(uid)) this.#waiting.delete(uid);
    for (const waiting of found) this.#waiting.set(waiting.uid, this.#waiting.get(waiting.uid) ?? waiting);
    this.#paint();
  }

  /** @param {Waiting} waiting */
  open(waiting) {
    this.#asked = waiting;
    this.#reason.value = '';
    setText(byId('approvalTitle'), `Let kubedom ${doing(waiting.action, waiting.target)}?`);
    setText(byId('approvalWhere'), waiting.namespace ? `Namespace ${waiting.namespace}` : 'The whole cluster');
    setText(byId('approvalMessage'), `${waiting.requestedBy || 'Somebody'} asks for it. Nothing is done until you, or somebody else, approve.`);
    const facts = {
      'Asked for by': waiting.requestedBy,
      Why: waiting.reason,
      Waiting: age(waiting.since),
      Until: clock(waiting.until),
      'As kubectl shows it': waiting.name,
    };
    const known = Object.entries(facts).filter(([, value]) => value);
    byId('approvalFacts').replaceChildren(...known.flatMap(([name, value]) => [html('dt', {}, name), html('dd', {}, value)]));
    this.#say('', '');
    this.#enable(true);
    if (!this.#dialog.open) this.#dialog.showModal();
    // The title, not a button: a key that was on its way must not approve anything.
    byId('approvalTitle').focus();
  }

  /** @param {'approveHealing' | 'denyHealing'} command */
  async #decide(command) {
    const asked = this.#asked;
    if (!asked) return;
    this.#enable(false);
    this.#say('Asking the API server …', '');
    const kind = asked.namespace ? 'HealingAction' : 'ClusterHealingAction';
    try {
      const { message } = await this.#cluster.command(command, {}, {
        target: { kind, namespace: asked.namespace, name: asked.name, uid: asked.uid },
        ...(this.#reason.value && { reason: this.#reason.value }),
      });
      this.#remove(asked.uid);
      if (this.#asked === asked) this.#dialog.close();
      toast(message, 'done');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (this.#asked !== asked) {
        toast(error.message, 'failed');
        return;
      }
      this.#say(error.message, 'failed');
      this.#enable(true);
    }
  }

  /** @param {ClusterEvent<HealingDetail>} event */
  #decided({ type, detail }) {
    if (!this.#remove(detail.actionUid) || this.#asked?.uid !== detail.actionUid || this.#buttons.some(({ disabled }) => disabled)) return;
    this.#say(type === 'healingStarted' ? 'Somebody has approved it.' : detail.message, '');
    this.#enable(false);
  }

  /** @param {Waiting} waiting */
  #add(waiting) {
    this.#waiting.set(waiting.uid, waiting);
    this.#paint();
  }

  /** @param {string} uid */
  #remove(uid) {
    const known = this.#waiting.delete(uid);
    if (known) this.#paint();
    return known;
  }

  #paint() {
    const list = byId('approvalList');
    byId('approvals').hidden = this.#waiting.size === 0;
    list.replaceChildren(
      ...[...this.#waiting.values()].map((waiting) => {
        const look = html('button', { type: 'button' }, 'Look and decide');
        look.addEventListener('click', () => this.open(waiting));
        const what = `${waiting.requestedBy || 'Somebody'} wants to ${doing(waiting.action, waiting.target)}`;
        return html('li', {}, html('span', {}, `${what}${waiting.namespace ? ` in ${waiting.namespace}` : ''}.`), look);
      }),
    );
  }

  /** @param {string} text @param {string} tone */
  #say(text, tone) {
    const outcome = byId('approvalOutcome');
    outcome.hidden = text === '';
    outcome.dataset.tone = tone;
    setText(outcome, text);
  }

  /** @param {boolean} able */
  #enable(able) {
    for (const button of this.#buttons) button.disabled = !able;
  }
}

/**
 * @param {ClusterEvent<HealingDetail>} event
 * @returns {Waiting}
 */
function waitingOf({ time, detail }) {
  const { actionName, actionUid, namespace = '', action, target, requestedBy, reason, until = '' } = detail;
  return { name: actionName, uid: actionUid, namespace, action, target, requestedBy, reason, since: time, until };
}

/**
 * @param {any} object A HealingAction, as REST gives it.
 * @returns {Waiting}
 */
function waitingOfObject({ metadata, spec }) {
  const since = metadata.creationTimestamp ?? '';
  const until = new Date(Date.parse(since) + 1000 * (spec.activeDeadlineSeconds ?? 600));
  return {
    name: metadata.name,
    uid: metadata.uid,
    namespace: metadata.namespace ?? '',
    action: spec.action,
    target: spec.target,
    requestedBy: spec.requestedBy ?? '',
    reason: spec.reason ?? '',
    since,
    until: Number.isNaN(until.getTime()) ? '' : until.toISOString(),
  };
}
