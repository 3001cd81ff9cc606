/**
 * Whether the user may do something, for greying out; the cluster decides when it is done.
 *
 * In: an action and its target. Out: the bridge's verdict. Questions of one moment travel together, one message at a time, and
 * an answer is kept for a while, so that a thousand rows may ask.
 *
 * @import {CommandTarget, ServerMessage} from './index.js'
 * @import {Can, Question} from './messages.js'
 */
import { CommandError } from './commands.js';

const KEPT_MS = 15_000;
const A_MESSAGE = 100;

/** @typedef {{question: Question, resolve: (allowed: boolean) => void, reject: (error: unknown) => void}} Asked */

export class Rights {
  #send;
  /** @type {Map<string, {verdict: Promise<boolean>, until: number}>} */
  #kept = new Map();
  /** @type {Asked[]} */
  #waiting = [];
  /** @type {Asked[]} What the bridge was asked and has not answered. */
  #asked = [];
  #count = 0;

  /** @param {(message: Can) => boolean} send Says whether there is a connection. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * @param {string} name
   * @param {CommandTarget} target
   * @returns {Promise<boolean>}
   */
  ask(name, { kind, namespace = '', name: targetName }) {
    const key = `${name}/${kind}/${namespace}/${targetName}`;
    const now = performance.now();
    const known = this.#kept.get(key);
    if (known && now < known.until) return known.verdict;
    if (this.#kept.size > 10_000) this.#kept.clear();
    const verdict = new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) queueMicrotask(() => this.#next());
      this.#waiting.push({ question: { name, target: { kind, namespace, name: targetName } }, resolve, reject });
    });
    this.#kept.set(key, { verdict, until: now + KEPT_MS });
    // An error is not kept; whoever asked hears of it.
    verdict.catch(() => this.#kept.delete(key));
    return verdict;
  }

  /**
   * @param {ServerMessage} message
   * @returns {boolean} Whether it was an answer to a question.
   */
  take(message) {
    if (this.#asked.length === 0 || message.id !== this.#id) return false;
    const asked = this.#asked.splice(0);
    if (message.type === 'verdicts') {
      const allowed = /** @type {{allowed?: unknown[]}} */ (message).allowed ?? [];
      asked.forEach(({ resolve }, at) => resolve(allowed[at] === true));
    } else {
      const error = new CommandError(message.code ?? 'error', message.message ?? 'The question was refused.', message.field);
      for (const { reject } of asked) reject(error);
    }
    this.#next();
    return true;
  }

  /** @param {string} id A message that had not left. */
  unsent(id) {
    if (this.#asked.length > 0 && id === this.#id) this.connectionLost();
  }

  connectionLost() {
    this.#kept.clear();
    this.#refuse(this.#asked.splice(0));
    this.#next();
  }

  get #id() {
    return `q${this.#count}`;
  }

  #next() {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return;
    this.#asked = this.#waiting.splice(0, A_MESSAGE);
    this.#count += 1;
    if (this.#send({ type: 'can', id: this.#id, questions: this.#asked.map(({ question }) => question) })) return;
    this.#refuse([...this.#asked.splice(0), ...this.#waiting.splice(0)]);
  }

  /** @param {Asked[]} asked */
  #refuse(asked) {
    const error = new CommandError('offline', 'This page is not connected to kubedom, which cannot be asked for rights.');
    for (const { reject } of asked) reject(error);
  }
}
