/**
 * The connection as a page has it: a port to the hub, which has the socket.
 *
 * In: what to subscribe to, and messages to send. Out: the messages of the bridge, and the connection's status. It promises
 * that a status other than `live` is told within one missed heartbeat and a grace, also when it is the hub that is silent, and
 * that after any pause the subscription goes on where this page was told last.
 *
 * @import {ConnectionStatus, ServerMessage} from './index.js'
 * @import {Can, Command, Filter, Position, Seen} from './messages.js'
 */
import { backoff } from './backoff.js';
import { openPort } from './ports.js';
import { readMessage, silenceOf } from './protocol.js';

/** How much longer than the hub a page waits, so that it is the hub which tells what happened. */
const GRACE_MS = 500;
/** While there is no socket, the hub tells more often than this how it goes about it. */
const QUIET_MS = 60_000;

/** @typedef {Omit<ConnectionStatus, 'since'>} LinkStatus */
/** @typedef {{url: string, identity: string, token: string | null, filter: Filter, since: Position | null}} Join */
/**
 * What a page says to the hub, one thing at a time.
 *
 * @typedef {{join?: Join, leave?: true, here?: true, hurry?: true, retry?: true, send?: Command | Can | Seen, token?: string, noToken?: string,
 *   unreadable?: string}} ToHub
 */
/**
 * What the hub says to a page, one thing at a time; `text` is a message as it came, which is cheaper to hand on than what is in it.
 *
 * @typedef {{message?: ServerMessage, text?: string, status?: LinkStatus, opened?: true, lost?: string[], unsent?: string, token?: true,
 *   dropped?: true}} FromHub
 */
/** @typedef {{postMessage(said: FromHub): void}} Port The hub's end. */
/** @typedef {{postMessage(said: ToHub): void, close(): void}} OpenPort The page's end. */

/**
 * @typedef {object} LinkOptions
 * @property {string} url
 * @property {() => {filter: Filter, since: Position | null}} subscription
 * @property {(() => Promise<string | void> | string | void) | null} token Fetches a token, or renews the cookie.
 * @property {() => void} onopened There is a new socket; the subscription goes on or begins anew.
 * @property {(message: ServerMessage) => void} onmessage
 * @property {(status: ConnectionStatus) => void} onstatus
 * @property {(ids?: string[]) => void} onlost What left will not be answered; all that may have left, where nobody can say.
 * @property {(id: string) => void} onunsent
 * @property {typeof openPort} [open]
 */

export class Link {
  #options;
  /** @type {OpenPort | null} */
  #port = null;
  #attempt = 0;
  #failures = 0;
  #identity = '';
  #ready = false;
  #closed = true;
  #heard = 0;
  #silence = QUIET_MS;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ConnectionStatus} */
  #status = { state: 'offline', reason: 'closed', message: '', since: Date.now(), final: false, retryAt: null };

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get status() {
    return this.#status;
  }

  open() {
    this.#closed = false;
    addEventListener('online', this.#hurry);
    addEventListener('pagehide', this.#suspend);
    addEventListener('pageshow', this.#resume);
    document.addEventListener('visibilitychange', this.#hurry);
    this.#tell('connecting', { reason: 'opening', message: 'Connecting to kubedom.' });
    void this.#attach();
  }

  close() {
    this.#closed = true;
    removeEventListener('online', this.#hurry);
    removeEventListener('pagehide', this.#suspend);
    removeEventListener('pageshow', this.#resume);
    document.removeEventListener('visibilitychange', this.#hurry);
    this.#detach();
    this.#tell('offline', { reason: 'closed', message: 'The page closed the connection.' });
  }

  /** Tries now instead of waiting, also after a final refusal. */
  retry() {
    if (this.#port) this.#port.postMessage({ retry: true });
    else if (!this.#closed) void this.#attach();
  }

  /**
   * @param {Command | Can | Seen} message
   * @returns {boolean} Whether there is a connection that it can go by.
   */
  send(message) {
    if (this.#ready) this.#port?.postMessage({ send: message });
    return this.#ready;
  }

  /** The bridge answered with everything that was asked for. */
  confirm() {
    if (this.#ready) this.#tell('live', { message: 'Live.' });
  }

  /** @param {string} reason */
  resyncing(reason) {
    this.#tell('connecting', { reason: 'resync', message: reason || 'The cluster is being read again.' });
  }

  async #attach() {
    this.#detach();
    const attempt = this.#attempt;
    const { url, subscription, token: fetch, open = openPort } = this.#options;
    let token = '';
    try {
      token = String((await fetch?.()) ?? '');
      this.#identity = fetch ? identityOf(token) : '';
    } catch (error) {
      if (attempt === this.#attempt) this.#withoutToken(error);
      return;
    }
    const port = await open((said) => {
      if (attempt === this.#attempt) this.#hear(said);
    });
    if (attempt !== this.#attempt) {
      port.close();
      return;
    }
    this.#failures = 0;
    this.#port = port;
    port.postMessage({ join: { url, identity: this.#identity, token, ...subscription() } });
    this.#listen(QUIET_MS);
  }

  #detach() {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    this.#lose();
    this.#port?.close();
    this.#port = null;
  }

  /** @param {string[]} [ids] */
  #lose(ids) {
    this.#ready = false;
    this.#options.onlost(ids);
  }

  /** @param {FromHub} said */
  #hear(said) {
    this.#heard = performance.now();
    if (said.text !== undefined) this.#read(said.text);
    if (said.message) this.#receive(said.message);
    if (said.opened) this.#options.onopened();
    if (said.status) this.#tell(said.status.state, said.status);
    if (said.lost) {
      this.#lose(said.lost);
      this.#listen(QUIET_MS);
    }
    if (said.unsent) this.#options.onunsent(said.unsent);
    if (said.token) void this.#fetchToken();
    if (said.dropped) this.#silent();
  }

  /** @param {string} text */
  #read(text) {
    let message;
    try {
      message = readMessage(text);
    } catch (error) {
      this.#port?.postMessage({ unreadable: String(/** @type {Error} */ (error).message) });
      return;
    }
    this.#receive(message);
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === 'heartbeat') this.#port?.postMessage({ here: true });
    if (message.type === 'hello') {
      this.#ready = true;
      this.#listen(silenceOf(message) + GRACE_MS);
    }
    this.#options.onmessage(message);
  }

  /** @param {number} silence How long the hub may be silent from now on. */
  #listen(silence) {
    this.#silence = silence;
    this.#heard = performance.now();
    this.#watch();
  }

  #watch() {
    clearTimeout(this.#timer);
    const left = this.#heard + this.#silence - performance.now();
    if (left > 0) this.#timer = setTimeout(() => this.#watch(), left);
    // A hub that gave up has nothing to tell.
    else if (!this.#status.final) this.#silent();
  }

  #silent() {
    if (this.#status.state === 'live') {
      this.#tell('stale', { reason: 'silent', message: 'Nothing was heard from kubedom; what is shown may be out of date.' });
    }
    void this.#attach();
  }

  async #fetchToken() {
    const port = this.#port;
    try {
      const token = String((await this.#options.token?.()) ?? '');
      if (port !== this.#port) return;
      // Another user's: that is another socket.
      if (identityOf(token) !== this.#identity) void this.#attach();
      else port?.postMessage({ token });
    } catch (error) {
      port?.postMessage({ noToken: String(error) });
    }
  }

  /** @param {unknown} error */
  #withoutToken(error) {
    this.#failures += 1;
    const wait = backoff(this.#failures);
    const message = `There is no token to sign in with: ${error}`;
    this.#tell('offline', { reason: 'token', message, retryAt: Date.now() + wait });
    this.#timer = setTimeout(() => void this.#attach(), wait);
  }

  /** The network is back, or the page is looked at again: no time to lose, and perhaps a heartbeat was slept through. */
  #hurry = () => {
    if (document.visibilityState === 'hidden' || this.#status.final) return;
    this.#port?.postMessage({ hurry: true });
    if (this.#ready) this.#watch();
  };

  /** A page that may come back from the browser's cache must not hold a socket there. */
  #suspend = () => {
    this.#detach();
    this.#tell('offline', { reason: 'suspended', message: 'The page is not shown.' });
  };

  #resume = (/** @type {PageTransitionEvent} */ event) => {
    if (event.persisted) void this.#attach();
  };

  /**
   * @param {ConnectionStatus['state']} state
   * @param {Partial<ConnectionStatus>} more
   */
  #tell(state, more) {
    const was = this.#status;
    const since = was.state === state ? was.since : Date.now();
    this.#status = { reason: '', message: '', final: false, retryAt: null, ...more, state, since };
    if (was.state !== state || was.reason !== this.#status.reason || was.retryAt !== this.#status.retryAt) {
      this.#options.onstatus(this.#status);
    }
  }
}

/**
 * Whose token it is, so that only pages of one user share a socket. Nothing is verified here, which is the bridge's affair.
 *
 * @param {string} token
 */
function identityOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    if (sub) return JSON.stringify([iss, sub]);
  } catch {
    // It is no JWT.
  }
  return `token ${token}`;
}
