/**
 * The way back: commands that wait for their results.
 *
 * In: what a page asks for, and the bridge's `ack`, `result` and `error`. Out: one promise a command. A command is sent at once
 * or refused; it is never kept for later and never sent twice. One that the bridge acknowledged exists in the cluster as a
 * HealingAction, so it outlives the connection: its result is then taken from the events of that action.
 *
 * @import {CommandOptions, CommandResult, CommandTarget, EventEntry, ServerMessage} from './index.js'
 * @import {ClientMessage} from './messages.js'
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
 * @property {(result: CommandResult) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {{name: string, namespace: string} | null} action Known once the bridge acknowledged it.
 */

export class Commands {
  /** @type {(message: ClientMessage) => boolean} */
  #send;
  /** @type {Map<string, Pending>} */
  #pending = new Map();
  #count = 0;

  /** @param {(message: ClientMessage) => boolean} send Says whether the message left. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {string} name
   * @param {CommandTarget} target
   * @param {CommandOptions} options
   * @returns {Promise<CommandResult>}
   */
  issue(name, target, { reason, parameters, idempotencyKey = randomKey(), signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const id = `c${++this.#count}`;
      const abort = () => this.#settle(id, (pending) => pending.reject(signal?.reason));
      const release = () => signal?.removeEventListener('abort', abort);
      this.#pending.set(id, {
        resolve: (result) => (release(), resolve(result)),
        reject: (error) => (release(), reject(error)),
        action: null,
      });
      signal?.addEventListener('abort', abort);
      const more = { ...(reason && { reason }), ...(parameters && { parameters }) };
      if (!this.#send({ type: 'command', id, idempotencyKey, name, target, ...more })) {
        const error = new CommandError('offline', 'Not sent: this page is not connected to kubedom. Try again once it is.');
        this.#settle(id, (pending) => pending.reject(error));
      }
    });
  }

  /**
   * @param {ServerMessage} message
   * @returns {boolean} Whether it was the answer to a command.
   */
  take(message) {
    const id = message.id;
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (!pending) return false;
    if (message.type === 'ack') pending.action = message.action ?? { name: '', namespace: '' };
    if (message.type === 'result') this.#finish(String(id), message.phase, message.message);
    if (message.type === 'error') {
      const error = new CommandError(message.code ?? 'error', message.message ?? 'The command was refused.', message.field);
      this.#settle(String(id), () => pending.reject(error));
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

  /** Nobody will answer what was not acknowledged. */
  connectionLost() {
    for (const [id, { action }] of this.#pending) {
      if (!action) this.#fail(id, 'disconnected', 'The connection was lost before kubedom answered; look whether it was done.');
    }
  }

  /** The events of the acknowledged actions may be among those that a resync skipped. */
  eventsLost() {
    for (const [id, { action }] of this.#pending) {
      if (action) this.#fail(id, 'unknown', `The result was missed; ask for it with: kubectl get healingaction ${action.name}`);
    }
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
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
