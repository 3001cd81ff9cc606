/**
 * One WebSocket to a bridge: opened, watched, and opened again. It runs where the hub runs, in a worker or in a page.
 *
 * In: an address, and what to say first. Out: readable messages in order, and how the socket is. It promises that silence is
 * told within one missed heartbeat and a grace, that only one socket is open at a time, and that nothing of an abandoned
 * socket is handed on.
 *
 * @import {ServerMessage} from './index.js'
 * @import {ClientMessage} from './messages.js'
 * @import {LinkStatus} from './link.js'
 */
import { backoff } from './backoff.js';
import { closing } from './closings.js';
import { MalformedFrame, SUBPROTOCOL, glance, readMessage, silenceOf } from './protocol.js';

const TOKEN_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';
/** How long a connection may take until the bridge's `hello`. */
const HELLO_TIMEOUT_MS = 10_000;
/** A connection that lasted this long was a good one: the next failure waits the shortest time again. */
const GOOD_AFTER_MS = 10_000;
/** A token is renewed this long before it ends, or after nine tenths of its time. */
const RENEW_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * @typedef {object} ConnectionOptions
 * @property {string} url
 * @property {(() => Promise<string | undefined>) | null} token Fetches the bearer token; null with a cookie.
 * @property {() => void} onopen The socket is new and takes messages.
 * @property {() => void} forget Called when no position can be trusted any more.
 * @property {(message: ServerMessage, text: string) => void} onmessage
 * @property {(status: LinkStatus) => void} onstatus
 * @property {() => void} onlost The socket is gone, and with it the answers that were still to come.
 */

export class Connection {
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal;
  #attempt = 0;
  #failures = 0;
  #malformed = 0;
  #heard = 0;
  #greeted = 0;
  #silence = 0;
  #lastSlow = -Infinity;
  #renewed = false;
  #closed = true;
  /** @type {LinkStatus} */
  status = { state: 'connecting', reason: 'opening', message: 'Connecting to kubedom.', final: false, retryAt: null };

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Whether the bridge has greeted, so that it takes commands. */
  get greeted() {
    return this.#greeted > 0 && this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    this.#closed = false;
    void this.#connect();
  }

  close() {
    this.#closed = true;
    this.#abandon();
  }

  /** Tries now instead of waiting, also after a final refusal. */
  retry() {
    if (this.#closed || this.#socket) return;
    this.#failures = 0;
    this.#renewed = false;
    void this.#connect();
  }

  /** The network is back, or a page is looked at again: no time to lose, and perhaps a heartbeat was slept through. */
  hurry() {
    if (this.#closed || this.status.final) return;
    if (!this.#socket) void this.#connect();
    else if (this.#greeted) this.#watch();
  }

  /**
   * What a frame carried is lost, so it is asked for again; the second time, everything is.
   *
   * @param {string} why
   */
  unreadable(why) {
    if (!this.#socket) return;
    console.warn(`kubedom: ${why} The connection is resumed.`);
    this.#malformed += 1;
    if (this.#malformed > 1) this.#options.forget();
    this.#lost(0, '', { reason: 'bad-frame', message: why });
  }

  /** @param {ClientMessage} message */
  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  async #connect() {
    clearTimeout(this.#timer);
    // Stale and offline stay what they are until the bridge answers: a page must not look better than it is.
    if (this.status.state !== 'stale' && this.#failures === 0) {
      this.#tell('connecting', { reason: 'opening', message: 'Connecting to kubedom.' });
    }
    const { url, token, onopen } = this.#options;
    this.#attempt += 1;
    const protocols = [SUBPROTOCOL];
    if (token) {
      const attempt = this.#attempt;
      let fetched;
      try {
        fetched = await token();
      } catch (error) {
        if (attempt === this.#attempt) this.#lost(0, '', { reason: 'token', message: `There is no token to sign in with: ${error}` });
        return;
      }
      if (attempt !== this.#attempt) return;
      if (fetched) protocols.push(TOKEN_PROTOCOL + base64url(fetched));
    }
    let socket;
    try {
      socket = new WebSocket(url, protocols);
    } catch (error) {
      this.#tell('offline', { reason: 'address', message: `This address cannot be opened: ${url}`, final: true });
      console.error('kubedom:', error);
      return;
    }
    this.#socket = socket;
    this.#greeted = 0;
    // Every handler asks whether its socket is still the current one: a close that arrives late must not end its successor.
    socket.onopen = () => {
      if (socket === this.#socket) onopen();
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.code, event.reason);
    };
    this.#timer = setTimeout(() => this.#lost(0, ''), HELLO_TIMEOUT_MS);
  }

  /** @param {unknown} data */
  #receive(data) {
    let message;
    try {
      message = glance(data) ?? readMessage(data);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.unreadable(error.message);
      return;
    }
    this.#heard = performance.now();
    if (message.type === 'hello') {
      if (message.protocol !== undefined && message.protocol !== SUBPROTOCOL) {
        this.#lost(4406, String(message.protocol));
        return;
      }
      this.#silence = silenceOf(message);
      this.#greeted ||= this.#heard;
      this.#renewed = false;
      this.#renewBefore(message.tokenExpires);
      this.#watch();
    }
    this.#options.onmessage(message, String(data));
    if (message.type !== 'hello' && this.#heard - this.#greeted > GOOD_AFTER_MS) {
      this.#failures = 0;
      this.#malformed = 0;
    }
  }

  /** One timer for the heartbeat: it looks at when the last message came and sleeps until the next one is overdue. */
  #watch() {
    clearTimeout(this.#timer);
    const left = this.#heard + this.#silence - performance.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#watch(), left);
      return;
    }
    this.#tell('stale', { reason: 'silent', message: 'Nothing was heard from kubedom; what is shown may be out of date.' });
    this.#abandon();
    void this.#connect();
  }

  /** @param {unknown} expires */
  #renewBefore(expires) {
    clearTimeout(this.#renewal);
    const { token } = this.#options;
    const left = typeof expires === 'string' ? Date.parse(expires) - Date.now() : NaN;
    if (!token || Number.isNaN(left)) return;
    const wait = Math.max(0, left - Math.min(RENEW_MS, left / 10));
    this.#renewal = setTimeout(() => {
      // Where that fails, the bridge ends the session, and the next connection asks again.
      token().then((fetched) => fetched && this.send({ type: 'token', token: fetched }), () => {});
    }, Math.min(wait, LONGEST_TIMER_MS));
  }

  /**
   * @param {number} code
   * @param {string} told The bridge's own words.
   * @param {{reason: string, message: string}} [why]
   */
  #lost(code, told, why) {
    const end = closing(code, told);
    this.#abandon();
    if (code === 4401 && this.#options.token && !this.#renewed) {
      // The token may just be too old: once, another one is tried.
      this.#renewed = true;
      void this.#connect();
      return;
    }
    this.#failures += end.patience;
    if (end.reason === 'slow') {
      // A page that is too slow again at once is helped by a pause, not by a loop.
      if (performance.now() - this.#lastSlow < GOOD_AFTER_MS) this.#failures += 2;
      this.#lastSlow = performance.now();
    }
    // A bridge that ends tells each page another moment, so that not all come at once.
    const hint = /retry after ([\d.]+) s/.exec(told);
    const wait = hint ? Number(hint[1]) * 1000 : backoff(this.#failures);
    this.#tell('offline', {
      reason: why?.reason ?? end.reason,
      message: why?.message ?? end.message,
      final: end.final,
      retryAt: end.final ? null : Date.now() + wait,
    });
    if (!end.final && !this.#closed) this.#timer = setTimeout(() => void this.#connect(), wait);
  }

  #abandon() {
    clearTimeout(this.#timer);
    clearTimeout(this.#renewal);
    this.#attempt += 1;
    this.#greeted = 0;
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#options.onlost();
  }

  /**
   * @param {LinkStatus['state']} state
   * @param {Partial<LinkStatus>} more
   */
  #tell(state, more) {
    this.status = { state, reason: '', message: '', final: false, retryAt: null, ...more };
    this.#options.onstatus(this.status);
  }
}

/** @param {string} text */
function base64url(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
