/**
 * The way back: commands that wait for their results.
 *
 * In: what a page asks for, and the bridge's `ack`, `result` and `error`. Out: one promise a command. A command leaves this page
 * once: at once, or with `offline: 'keep'` when the page is connected again; what left and was not answered is never sent again.
 * One that the bridge acknowledged exists in the cluster as a HealingAction, so it outlives the connection: its result is then
 * taken from the events of that action.
 *
 * @import {CommandOptions, CommandResult, CommandTarget, EventEntry, ServerMessage} from './index.js'
 * @import {Command} from './messages.js'
 */

/** Why a command did not succeed: `code` for scripts, `message` for people. */
export class CommandError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string} [field] The part of the command at fault.
   */
  constructor(code, message, field) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.field = field;
  }
}

/**
 * @typedef {object} Pending
 * @property {Command} message
 * @property {'kept' | 'sent' | 'acknowledged'} state
 * @property {boolean} keep Whether it may wait for a connection.
 * @property {(result: CommandResult) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {{name: string, namespace: string} | null} action Known once the bridge acknowledged it.
 */

export class Commands {
  #send;
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  #count = 0;

  /** @param {(message: Command) => boolean} send Says whether there is a connection, so that it may have left. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {string} name
   * @param {CommandTarget} target
   * @param {Record<string, unknown>} parameters
   * @param {CommandOptions & {idempotencyKey: string}} options
   * @returns {Promise<CommandResult>}
   */
  issue(name, target, parameters, { reason, dryRun, idempotencyKey, offline, signal }) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = `c${++this.#count}`;
      const abort = () => this.#settle(id, (pending) => pending.reject(signal?.reason));
      const release = () => signal?.removeEventListener('abort', abort);
      /** @type {Command} */
      const message = { type: 'command', id, idempotencyKey, name, target };
      if (reason) message.reason = reason;
      if (dryRun) message.dryRun = true;
      if (Object.keys(parameters).length > 0) message.parameters = parameters;
      this.#pending.set(id, {
        message,
        state: 'kept',
        keep: offline === 'keep',
        resolve: (result) => (release(), resolve(result)),
        reject: (error) => (release(), reject(error)),
        action: null,
      });
      signal?.addEventListener('abort', abort);
      this.#try(id);
    });
  }

  /** There is a connection: what was kept for it leaves. */
  connected() {
    for (const [id, { state }] of this.#pending) if (state === 'kept') this.#try(id);
  }

  /**
   * It turned out that a message had not left.
   *
   * @param {string} id
   */
  unsent(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.state = 'kept';
    if (!pending.keep) this.#fail(id, 'offline', 'Not sent: this page is not connected to kubedom. Try again once it is.');
  }

  /**
   * @param {ServerMessage} message
   * @returns {boolean} Whether it was the answer to a command.
   */
  take(message) {
    const id = message.id ?? '';
    const pending = this.#pending.get(id);
    if (!pending) return false;
    if (message.type === 'ack') {
      pending.state = 'acknowledged';
      pending.action = message.action ?? { name: '', namespace: '' };
    }
    if (message.type === 'result') this.#finish(id, message.phase, message.message);
    if (message.type === 'error') {
      const error = new CommandError(message.code ?? 'error', message.message ?? 'The command was refused.', message.field);
      this.#settle(id, () => pending.reject(error));
    }
    return true;
  }

  /**
   * The phases of an action also come back as events to every page, and after a resume perhaps only so.
   *
   * @param {EventEntry} entry
   */
  observe(entry) {
    const { actionName, namespace = '', phase, message } = entry.detail ?? {};
    if (typeof actionName !== 'string') return;
    for (const [id, { action }] of this.#pending) {
      if (action?.name === actionName && action.namespace === namespace) this.#finish(id, phase, message);
    }
  }

  /**
   * Nobody will answer what left and was not acknowledged.
   *
   * @param {readonly string[]} [ids] What had left; all that may have, where nobody can say.
   */
  connectionLost(ids) {
    for (const [id, { state }] of this.#pending) {
      if (state !== 'sent' || (ids && !ids.includes(id))) continue;
      this.#fail(id, 'disconnected', 'The connection was lost before kubedom answered; look whether it was done.');
    }
  }

  /** The page closed the connection, so that nothing is kept any longer. */
  closed() {
    for (const [id, { state }] of this.#pending) {
      if (state === 'kept') this.#fail(id, 'offline', 'Not sent: the page closed its connection to kubedom.');
    }
  }

  /** The events of the acknowledged actions may be among those that a resync skipped. */
  eventsLost() {
    for (const [id, { action }] of this.#pending) {
      if (action) this.#fail(id, 'unknown', `The result was missed; ask for it with: kubectl get healingaction ${action.name}`);
    }
  }

  /** @param {string} id */
  #try(id) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.state = 'sent';
    if (!this.#send(pending.message)) this.unsent(id);
  }

  /** @param {string} id @param {string} code @param {string} message */
  #fail(id, code, message) {
    this.#settle(id, (pending) => pending.reject(new CommandError(code, message)));
  }

  /** @param {string} id @param {unknown} phase @param {unknown} text */
  #finish(id, phase, text) {
    const message = String(text ?? '');
    if (phase === 'Failed') this.#fail(id, 'failed', message || 'The action failed.');
    if (phase === 'Denied') this.#fail(id, 'denied', message || 'The action was denied.');
    if (phase === 'Expired') this.#fail(id, 'expired', message || 'Nobody approved the action in time.');
    if (phase === 'Succeeded') {
      this.#settle(id, ({ action, resolve }) => resolve({ phase: 'Succeeded', message, action }));
    }
  }

  /** @param {string} id @param {(pending: Pending) => void} how */
  #settle(id, how) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending) how(pending);
  }
}

/** `crypto.randomUUID` is absent on plain http, where kubedom may well be served. */
export function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
