/**
 * The WebSocket of one `<kube-cluster>`: opened, watched, and opened again.
 *
 * In: an address and what to subscribe to. Out: readable messages in order, and the connection's status. It promises that a
 * status other than `live` is told within one missed heartbeat and a grace, that only one socket is open at a time, and that
 * nothing of an abandoned socket is handed on.
 *
 * @import {ConnectionStatus, ServerMessage} from './index.js'
 * @import {ClientMessage} from './messages.js'
 */
import { backoff } from './backoff.js';
import { MalformedFrame, SUBPROTOCOL, closing, readMessage } from './protocol.js';

/** How long a connection may take until the bridge's `hello`. */
const HELLO_TIMEOUT_MS = 10_000;
/** A connection that lasted this long was a good one: the next failure waits the shortest time again. */
const GOOD_AFTER_MS = 10_000;
const DEFAULT_HEARTBEAT_S = 15;

/**
 * @typedef {object} ConnectionOptions
 * @property {string} url
 * @property {() => ClientMessage} subscribe Gives the first message of a new connection.
 * @property {() => void} forget Called when the position cannot be trusted any more.
 * @property {(message: ServerMessage) => void} onmessage
 * @property {(status: ConnectionStatus) => void} onstatus
 * @property {() => void} onlost The socket is gone, and with it the answers that were still to come.
 */

export class Connection {
  /** @type {ConnectionOptions} */
  #options;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #failures = 0;
  #malformed = 0;
  #heard = 0;
  #greeted = 0;
  #silence = 0;
  #lastSlow = -Infinity;
  #closed = false;
  /** @type {ConnectionStatus} */
  #status = { state: 'offline', reason: 'closed', message: '', since: Date.now(), final: false, retryAt: null };

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get status() {
    return this.#status;
  }

  open() {
    this.#closed = false;
    addEventListener('online', this.#hurry);
    document.addEventListener('visibilitychange', this.#hurry);
    this.#connect();
  }

  close() {
    this.#closed = true;
    removeEventListener('online', this.#hurry);
    document.removeEventListener('visibilitychange', this.#hurry);
    this.#abandon();
    this.#tell('offline', { reason: 'closed', message: 'The page closed the connection.' });
  }

  /** Tries now instead of waiting, also after a final refusal. */
  retry() {
    if (this.#closed || this.#socket) return;
    this.#failures = 0;
    this.#connect();
  }

  /**
   * @param {ClientMessage} message
   * @returns {boolean} Whether it was handed to an open socket.
   */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** The bridge answered with everything that was asked for. */
  confirm() {
    if (this.#socket && this.#greeted) this.#tell('live', { message: 'Live.' });
  }

  /** @param {string} reason */
  resyncing(reason) {
    this.#tell('connecting', { reason: 'resync', message: reason || 'The cluster is being read again.' });
  }

  #connect() {
    clearTimeout(this.#timer);
    // Stale and offline stay what they are until the bridge answers: a page must not look better than it is.
    if (this.#status.state !== 'stale' && this.#failures === 0) {
      this.#tell('connecting', { reason: 'opening', message: 'Connecting to kubedom.' });
    }
    let socket;
    try {
      socket = new WebSocket(this.#options.url, [SUBPROTOCOL]);
    } catch (error) {
      this.#tell('offline', { reason: 'address', message: `This address cannot be opened: ${this.#options.url}`, final: true });
      console.error('kubedom:', error);
      return;
    }
    this.#socket = socket;
    this.#greeted = 0;
    // Every handler asks whether its socket is still the current one: a close that arrives late must not end its successor.
    socket.onopen = () => {
      if (socket === this.#socket) this.send(this.#options.subscribe());
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
      message = readMessage(data);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      console.warn(`kubedom: ${error.message} The connection is resumed.`);
      // What the frame carried is lost, so it is asked for again; the second time, everything is.
      this.#malformed += 1;
      if (this.#malformed > 1) this.#options.forget();
      this.#lost(0, '', { reason: 'bad-frame', message: error.message });
      return;
    }
    this.#heard = performance.now();
    if (message.type === 'hello') {
      if (message.protocol !== undefined && message.protocol !== SUBPROTOCOL) {
        this.#lost(4406, '');
        return;
      }
      const heartbeat = Number(message.heartbeat ?? DEFAULT_HEARTBEAT_S) * 1000;
      this.#silence = heartbeat + Math.min(5000, heartbeat / 2);
      this.#greeted = this.#heard;
      this.#watch();
    }
    this.#options.onmessage(message);
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
    this.#connect();
  }

  /** The network is back, or the tab is looked at again: no time to lose, and perhaps a heartbeat was slept through. */
  #hurry = () => {
    if (document.visibilityState === 'hidden' || this.#closed || this.#status.final) return;
    if (!this.#socket) this.#connect();
    else if (this.#greeted) this.#watch();
  };

  /**
   * @param {number} code
   * @param {string} told The bridge's own words.
   * @param {{reason: string, message: string}} [why]
   */
  #lost(code, told, why) {
    const end = closing(code);
    this.#abandon();
    this.#failures += end.patience;
    if (end.reason === 'slow') {
      // A page that is too slow again at once is helped by a pause, not by a loop.
      if (performance.now() - this.#lastSlow < GOOD_AFTER_MS) this.#failures += 2;
      this.#lastSlow = performance.now();
    }
    // A bridge that ends tells each page another moment, so that not all come at once.
    const hint = /retry after ([\d.]+) s/.exec(told);
    const wait = hint ? Number(hint[1]) * 1000 : backoff(this.#failures);
    // The bridge's words add what it objects to; where this page has no sentence for the code, they are the better one.
    const words = end.known ? (end.final && told ? `${end.message} (${told})` : end.message) : told || end.message;
    const message = why?.message ?? words;
    this.#tell('offline', {
      reason: why?.reason ?? end.reason,
      message,
      final: end.final,
      retryAt: end.final ? null : Date.now() + wait,
    });
    if (!end.final && !this.#closed) this.#timer = setTimeout(() => this.#connect(), wait);
  }

  #abandon() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#options.onlost();
  }

  /**
   * @param {ConnectionStatus['state']} state
   * @param {Partial<ConnectionStatus>} more
   */
  #tell(state, more) {
    const was = this.#status;
    const since = was.state === state ? was.since : Date.now();
    this.#status = { state, reason: '', message: '', final: false, retryAt: null, ...more, since };
    if (was.state !== state || was.reason !== this.#status.reason || was.retryAt !== this.#status.retryAt) {
      this.#options.onstatus(this.#status);
    }
  }
}
