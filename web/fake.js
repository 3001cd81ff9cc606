/**
 * A cluster for the tests of pages: it replays a journal, and time passes when the test says so.
 *
 * In: a journal, as `record()` takes it from a real cluster, or entries written by hand. Out: the same elements and events as a
 * bridge would make, each at its entry's own `time`. It promises that nothing happens by itself: when `advance()` is fulfilled,
 * all that was due is applied and told, in order, and nothing else. A cluster's `namespaces` and `kinds` do not filter it.
 *
 * @import {Entry, EventEntry, HelloMessage, KubeCluster, StateEntry} from './index.js'
 * @import {Answer} from './fake-types.js'
 * @import {Command} from './messages.js'
 * @import {FromHub, ToHub} from './link.js'
 */
import { applied, connectThrough } from './elements/cluster.js';
import { openPort } from './ports.js';
import { SUBPROTOCOL, isEvent, isState } from './protocol.js';

const OFFLINE = { state: /** @type {const} */ ('offline'), reason: 'unreachable', message: 'kubedom cannot be reached.', final: false, retryAt: null };

export class FakeCluster {
  /** @type {Command[]} */
  commands = [];
  /** @type {(command: Command) => Answer | Promise<Answer>} */
  answer = () => ({ phase: 'Succeeded', message: 'Done.' });
  /** @type {(name: string, target: Command['target']) => boolean} */
  allow = () => true;

  #cluster;
  #hello;
  /** @type {Map<string, StateEntry>} */
  #states = new Map();
  /** @type {Map<string, EventEntry>} */
  #incidents = new Map();
  /** @type {Entry[]} What has been told, by its sequence. */
  #told = [];
  /** @type {Entry[]} What is still to come, by its time. */
  #ahead;
  #now;
  #connected = true;
  /** @type {((said: FromHub) => void) | null} The page, while it has joined. */
  #page = null;
  /** @type {(() => void)[]} */
  #onjoin = [];

  /** @param {KubeCluster} cluster @param {string | readonly object[]} journal */
  constructor(cluster, journal) {
    const { hello, before, after } = readJournal(journal);
    this.#cluster = cluster;
    this.#hello = hello;
    for (const entry of before) this.#note(entry);
    this.#ahead = after;
    this.#now = after.length > 0 ? timeOf(after[0]) : Date.now();
  }

  get now() {
    return this.#now;
  }

  /** @param {number} milliseconds */
  async advance(milliseconds) {
    this.#now += milliseconds;
    const later = this.#ahead.findIndex((entry) => timeOf(entry) > this.#now);
    await this.tell(...this.#ahead.splice(0, later < 0 ? this.#ahead.length : later));
  }

  async finish() {
    const last = this.#ahead.at(-1);
    if (last) await this.advance(timeOf(last) - this.#now);
  }

  /** @param {object[]} entries */
  async tell(...entries) {
    const time = new Date(this.#now).toISOString();
    for (const entry of entries) this.#told.push(/** @type {Entry} */ ({ time, ...entry, sequence: this.#told.length + 1 }));
    const told = entries.length > 0 ? this.#told.slice(-entries.length) : [];
    for (const entry of told) this.#note(entry);
    if (this.#connected && told.length > 0) this.#say({ message: { type: 'changes', entries: told } });
    await applied(this.#cluster);
  }

  /** The page reads everything again, as after a gap that cannot be filled. */
  async resync(reason = 'kubedom was restarted') {
    this.#say({ message: { type: 'resync', reason } });
    this.#snapshot();
    await applied(this.#cluster);
  }

  disconnect() {
    this.#connected = false;
    this.#say({ lost: [] });
    this.#say({ status: OFFLINE });
  }

  async connect() {
    this.#connected = true;
    // The page comes again, with its position.
    this.#say({ dropped: true });
    await this.joined();
  }

  /** @returns {Promise<void>} Once the page has come and is shown everything. */
  async joined() {
    if (!this.#cluster.isConnected) return;
    await new Promise((/** @type {(value: void) => void} */ resolve) => this.#onjoin.push(resolve));
    await applied(this.#cluster);
  }

  stop() {
    connectThrough(this.#cluster, undefined);
  }

  /** @param {(said: FromHub) => void} hear */
  async open(hear) {
    this.#page = hear;
    const close = () => {
      if (this.#page === hear) this.#page = null;
    };
    return { postMessage: (/** @type {ToHub} */ said) => void this.#hear(said), close };
  }

  /** @param {ToHub} said */
  async #hear({ join, send }) {
    if (join) {
      if (!this.#connected) return this.#say({ status: OFFLINE });
      for (const joined of this.#onjoin.splice(0)) queueMicrotask(joined);
      this.#say({ opened: true });
      this.#say({ message: { ...this.#hello, head: this.#told.length } });
      if (!join.since) return this.#snapshot();
      const missed = this.#told.slice(join.since.sequence).map((entry) => ({ ...entry, replayed: true }));
      return this.#say({ message: { type: 'changes', entries: missed } });
    }
    if (!send || send.type === 'seen') return;
    const { id } = send;
    if (!this.#connected) return this.#say({ unsent: id });
    if (send.type === 'can') {
      const allowed = send.questions.map(({ name, target }) => this.allow(name, target));
      return this.#say({ message: { type: 'verdicts', id, allowed } });
    }
    this.commands.push(send);
    const { code, phase, message } = await this.answer(send);
    if (code) return this.#say({ message: { type: 'error', id, code, message } });
    const action = { namespace: send.target.namespace ?? '', name: `action-${this.commands.length}`, uid: id, created: true };
    this.#say({ message: { type: 'ack', id, action } });
    this.#say({ message: { type: 'result', id, phase, message } });
  }

  #snapshot() {
    const incidents = [...this.#incidents.values()].map((entry) => ({ ...entry, replayed: true }));
    this.#say({ message: { type: 'snapshot', entries: [...this.#states.values()], incidents } });
    this.#say({ message: { type: 'snapshotEnd', epoch: this.#hello.epoch, sequence: this.#told.length } });
  }

  /** @param {Entry} entry */
  #note(entry) {
    if (isEvent(entry)) {
      if (entry.incident?.phase === 'end') this.#incidents.delete(entry.incident.id);
      else if (entry.incident) this.#incidents.set(entry.incident.id, entry);
    } else if (isState(entry)) {
      if (entry.op === 'upsert') this.#states.set(entry.uid, entry);
      else this.#states.delete(entry.uid);
    }
  }

  /** @param {object} said */
  #say(said) {
    this.#page?.(/** @type {FromHub} */ (structuredClone(said)));
  }
}

/**
 * @param {KubeCluster} cluster
 * @param {string | readonly object[]} journal
 */
export async function replay(cluster, journal) {
  const fake = new FakeCluster(cluster, journal);
  connectThrough(cluster, (hear) => fake.open(hear));
  await fake.joined();
  return fake;
}

/** @param {KubeCluster} cluster */
export function record(cluster) {
  /** @type {string[]} */
  const lines = [];
  /** @param {FromHub} said */
  const keep = ({ text, message }) => {
    if (text ?? message?.type === 'hello') lines.push(text ?? JSON.stringify(message));
  };
  connectThrough(cluster, (hear) =>
    openPort((said) => {
      keep(said);
      hear(said);
    }),
  );
  return {
    /** @returns {string} */
    stop() {
      connectThrough(cluster, undefined);
      return lines.join('\n');
    },
  };
}

/**
 * What is there from the beginning has no time of its own, or comes with the first snapshot; all else happens at its time.
 *
 * @param {string | readonly object[]} journal
 */
function readJournal(journal) {
  const items = typeof journal === 'string' ? journal.split('\n').filter((line) => line.trim()).map((line) => JSON.parse(line)) : journal;
  /** @type {HelloMessage} */
  let hello = { type: 'hello', cluster: { name: 'fake', version: '' }, user: { name: 'tester' } };
  /** @type {Entry[]} */
  const before = [];
  /** @type {Entry[]} */
  const after = [];
  let filled = false;
  for (const item of /** @type {any[]} */ (structuredClone(items))) {
    if ('op' in item) (item.time ? after : before).push(item);
    else if (item.type === 'hello') hello = item;
    else if (item.type === 'snapshot') (filled ? after : before).push(...(item.entries ?? []), ...(item.incidents ?? []));
    else if (item.type === 'snapshotEnd') filled = true;
    else if (item.type === 'changes') after.push(...(item.entries ?? []));
  }
  after.sort((one, other) => timeOf(one) - timeOf(other));
  // No heartbeat comes, so none may be missed.
  return { hello: { ...hello, protocol: SUBPROTOCOL, epoch: 'fake', heartbeat: 86_400, tokenExpires: undefined }, before, after };
}

/** @param {Entry} entry */
function timeOf(entry) {
  return Date.parse(entry.time ?? '') || 0;
}
