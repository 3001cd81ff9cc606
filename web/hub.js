/**
 * One socket for all the pages of an origin.
 *
 * In: what pages say over their ports (link.js has the types). Out: to each page the messages of its own subscription and the
 * answers to its own messages. It promises that every page is served as if the socket were its own: a new socket takes up each
 * subscription where its page was told last, and a message is sent once or said not to have been sent. A page that does not
 * answer any more (it crashed, or is frozen, where messages would heap up for it) is told so and let go of; it comes back by
 * itself with its position.
 *
 * @import {ServerMessage} from './index.js'
 * @import {Position} from './messages.js'
 * @import {FromHub, Join, Port, ToHub} from './link.js'
 */
import { Connection } from './connection.js';
import { heartbeatOf } from './protocol.js';

/** How many subscriptions the bridge lets one socket have. */
const MOST = 16;
/** A page is let go of when it has left a heartbeat unanswered for the time of as many. */
const PATIENCE = 4;

/** How long a page may take to fetch a token until another one is asked. */
const TOKEN_MS = 10_000;

/** @typedef {{resolve: (token: string | undefined) => void, reject: (error: Error) => void}} Fetching */
/** @typedef {{port: Port, id: string, join: Join, since: Position | null, asked: number | null, fetching: Fetching[]}} Page */
/** @typedef {{page: Page, id: string, acknowledged: boolean}} Call */

export class Hub {
  /** @type {Line[]} */
  #lines = [];
  /** @type {Map<Port, Line>} */
  #joined = new Map();

  /**
   * @param {Port} port
   * @param {ToHub} said
   */
  hear(port, said) {
    const line = this.#joined.get(port);
    if (said.join) {
      this.#leave(port);
      this.#join(port, said.join);
    } else if (said.leave) {
      this.#leave(port);
    } else if (line) {
      line.hear(port, said);
    }
  }

  /** Nobody is served any more. */
  close() {
    for (const port of [...this.#joined.keys()]) this.#leave(port);
  }

  /** @param {Port} port @param {Join} join */
  #join(port, join) {
    let line = this.#lines.find((each) => each.suits(join));
    if (!line) {
      line = new Line(join, (page) => {
        page.port.postMessage({ dropped: true });
        this.#leave(page.port);
      });
      this.#lines.push(line);
    }
    this.#joined.set(port, line);
    line.enter(port, join);
  }

  /** @param {Port} port */
  #leave(port) {
    const line = this.#joined.get(port);
    this.#joined.delete(port);
    if (line?.leave(port)) this.#lines = this.#lines.filter((each) => each !== line);
  }
}

/** One socket, and the pages that share it. */
class Line {
  #url;
  #identity;
  #drop;
  /** @type {Map<Port, Page>} */
  #pages = new Map();
  /** @type {ServerMessage | null} */
  #hello = null;
  #entered = 0;
  /** @type {Map<string, Call>} */
  #calls = new Map();
  #called = 0;
  /** How often a page was asked for a token. */
  #asked = 0;
  #connection;

  /** @param {Join} join @param {(page: Page) => void} drop */
  constructor({ url, identity }, drop) {
    this.#url = url;
    this.#identity = identity;
    this.#drop = drop;
    this.#connection = new Connection({
      url,
      token: identity === '' ? null : () => this.#fetchToken(),
      onopen: () => this.#subscribeAll(),
      onmessage: (message, text) => this.#pass(message, text),
      onstatus: (status) => this.#tellAll({ status }),
      onlost: () => this.#lost(),
      forget: () => this.#pages.forEach((page) => (page.since = null)),
    });
  }

  /** @param {Join} join */
  suits({ url, identity }) {
    return url === this.#url && identity === this.#identity && this.#pages.size < MOST;
  }

  /** @param {Port} port @param {Join} join */
  enter(port, join) {
    // The first has the subscription without a name; the names of a socket are not used again, for messages may be under way.
    const id = this.#entered === 0 ? '' : `s${this.#entered}`;
    this.#entered += 1;
    /** @type {Page} */
    const page = { port, id, join, since: join.since ?? null, asked: null, fetching: [] };
    this.#pages.set(port, page);
    if (this.#pages.size === 1 && this.#entered === 1) {
      this.#connection.open();
    } else if (this.#hello) {
      port.postMessage({ opened: true });
      port.postMessage({ message: this.#hello });
      this.#subscribe(page);
    } else {
      port.postMessage({ status: this.#connection.status });
      if (!this.#connection.status.final) this.#connection.hurry();
      else this.#connection.retry();
    }
  }

  /**
   * @param {Port} port
   * @returns {boolean} Whether nobody is left.
   */
  leave(port) {
    const page = this.#pages.get(port);
    this.#pages.delete(port);
    for (const { reject } of page?.fetching ?? []) reject(new Error('the page that was asked for one is gone.'));
    for (const [id, call] of this.#calls) if (call.page === page) this.#calls.delete(id);
    if (this.#pages.size === 0) this.#connection.close();
    else if (page) this.#connection.send({ type: 'unsubscribe', ...(page.id && { id: page.id }) });
    return this.#pages.size === 0;
  }

  /** @param {Port} port @param {ToHub} said */
  hear(port, said) {
    const page = this.#pages.get(port);
    if (!page) return;
    page.asked = null;
    if (said.hurry) this.#connection.hurry();
    if (said.retry) this.#connection.retry();
    if (said.send) this.#send(page, said.send);
    if (said.unreadable) this.#connection.unreadable(said.unreadable);
    if (said.token !== undefined) for (const { resolve } of page.fetching.splice(0)) resolve(said.token || undefined);
    if (said.noToken) for (const { reject } of page.fetching.splice(0)) reject(new Error(said.noToken));
  }

  /** @param {Page} page @param {NonNullable<ToHub['send']>} message */
  #send(page, message) {
    if (message.type === 'seen') return this.#connection.send(message);
    if (!this.#connection.greeted) {
      page.port.postMessage({ unsent: message.id });
      return;
    }
    this.#called += 1;
    const id = `${message.type[0]}${this.#called}`;
    this.#calls.set(id, { page, id: message.id, acknowledged: false });
    this.#connection.send({ ...message, id });
  }

  #subscribeAll() {
    for (const page of this.#pages.values()) {
      page.port.postMessage({ opened: true });
      this.#subscribe(page);
    }
  }

  /** @param {Page} page */
  #subscribe({ id, join, since }) {
    this.#connection.send({ type: 'subscribe', ...(id && { id }), filter: join.filter, ...(since && { since }) });
  }

  /** @param {ServerMessage} message @param {string} text */
  #pass(message, text) {
    const { type } = message;
    if (type === 'hello') this.#hello = message;
    if (type === 'heartbeat') this.#beat(message);
    if (type === 'ack' || type === 'result' || type === 'error' || type === 'verdicts') {
      this.#answer(message);
    } else if (type === 'hello' || type === 'heartbeat') {
      this.#tellAll({ message });
    } else {
      for (const page of this.#pages.values()) {
        if (page.id !== (message.subscription ?? '')) continue;
        follow(page, message);
        page.port.postMessage({ text });
      }
    }
  }

  /** @param {ServerMessage} message */
  #answer(message) {
    const call = this.#calls.get(message.id ?? '');
    if (!call) {
      this.#tellAll({ message });
      return;
    }
    if (message.type === 'ack') call.acknowledged = true;
    else this.#calls.delete(message.id ?? '');
    call.page.port.postMessage({ message: { ...message, id: call.id } });
  }

  /** @param {ServerMessage} message */
  #beat(message) {
    // A page that comes later is told where the journal is then.
    if (this.#hello && message.head !== undefined) this.#hello = { ...this.#hello, head: message.head };
    // Not by how many came: after a standstill they come all at once, and no page can answer between two of them.
    const now = performance.now();
    const patience = PATIENCE * heartbeatOf(this.#hello ?? message);
    for (const page of [...this.#pages.values()]) {
      page.asked ??= now;
      if (now - page.asked >= patience) this.#drop(page);
    }
  }

  #lost() {
    this.#hello = null;
    /** @type {Map<Page, string[]>} */
    const lost = new Map();
    for (const { page, id, acknowledged } of this.#calls.values()) {
      if (!acknowledged) lost.set(page, [...(lost.get(page) ?? []), id]);
    }
    this.#calls.clear();
    for (const page of this.#pages.values()) page.port.postMessage({ lost: lost.get(page) ?? [] });
  }

  /**
   * Any page can fetch it, one after the other: they share this socket because they are the same user's.
   *
   * @returns {Promise<string | undefined>}
   */
  #fetchToken() {
    const pages = [...this.#pages.values()];
    const page = pages[this.#asked++ % pages.length];
    const { token } = page.join;
    if (token !== null) {
      // What it came with.
      page.join = { ...page.join, token: null };
      return Promise.resolve(token || undefined);
    }
    return new Promise((resolve, reject) => {
      page.fetching.push({ resolve, reject });
      page.port.postMessage({ token: true });
      setTimeout(() => reject(new Error('the page that was asked for one did not answer.')), TOKEN_MS);
    });
  }

  /** @param {FromHub} said */
  #tellAll(said) {
    for (const page of this.#pages.values()) page.port.postMessage(said);
  }
}

/**
 * Keeps up with what a page was told completely, as position.js does there.
 *
 * @param {Page} page
 * @param {ServerMessage} message
 */
function follow(page, message) {
  if (message.type === 'snapshotEnd') page.since = { epoch: String(message.epoch), sequence: Number(message.sequence ?? 0) };
  if (message.type === 'snapshot' || message.type === 'resync') page.since = null;
  const sequence = message.type === 'changes' ? message.entries?.at?.(-1)?.sequence : undefined;
  if (page.since && typeof sequence === 'number') page.since = { ...page.since, sequence: Math.max(page.since.sequence, sequence) };
}
