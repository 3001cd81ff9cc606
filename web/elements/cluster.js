/**
 * `<kube-cluster src="/api/socket" namespaces="a b">`: one connection to a bridge, and the cluster's tree inside.
 *
 * It connects when it is in a document and disconnects when it is taken out; put back, it resumes. `src` is the bridge's socket
 * (default `/api/socket`), `namespaces` the ones to watch (default: all that the user may see), `default-deployment` what
 * `POST /api/deploy` without a body restarts (`namespace/name`). Its tree is `hidden`: it is for listeners, selectors and observers,
 * not for looking at.
 *
 * @import {CommandOptions, CommandResult, CommandTarget, ConnectionStatus, HelloMessage, Incident, KubernetesObject, ServerMessage} from '../index.js'
 */
import { Applier } from '../applying.js';
import { Commands } from '../commands.js';
import { Connection } from '../connection.js';
import { Position } from '../position.js';

export class KubeCluster extends HTMLElement {
  static observedAttributes = ['src', 'namespaces', 'default-deployment'];

  #position = new Position();
  /** @type {Connection | null} */
  #connection = null;
  /** @type {HelloMessage | null} */
  #hello = null;
  #commands = new Commands((message) => this.#connection?.send(message) ?? false);
  #applier = new Applier(this, () => this.#position.epoch, (entry) => this.#commands.observe(entry));

  connectedCallback() {
    this.hidden = true;
    this.#connect();
  }

  disconnectedCallback() {
    // A move within the document is a removal and an insertion; that must not cost the connection.
    queueMicrotask(() => {
      if (!this.isConnected) this.disconnect();
    });
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (name === 'default-deployment') {
      nameDefaultDeployment(after ?? '');
      return;
    }
    if (!this.#connection || before === after) return;
    // Another subscription is another document: what it lacks goes with the snapshot.
    this.disconnect();
    this.#position.forget();
    this.#connect();
  }

  /** How the connection is; `kube:status` tells of its changes. */
  /** @returns {ConnectionStatus} */
  get status() {
    return (
      this.#connection?.status ?? { state: 'offline', reason: 'closed', message: '', since: 0, final: false, retryAt: null }
    );
  }

  /** The cluster's name and version; empty until the bridge said it. */
  get info() {
    return { name: this.#hello?.cluster?.name ?? '', version: this.#hello?.cluster?.version ?? '' };
  }

  /** Who is signed in. */
  get user() {
    return this.#hello?.user?.name ?? '';
  }

  /** All failures that are going on in the cluster. */
  /** @returns {Incident[]} */
  get incidents() {
    return this.#applier.incidents.all;
  }

  /**
   * The element of a resource.
   *
   * @param {string} uid
   */
  resource(uid) {
    return this.#applier.tree.element(uid);
  }

  /**
   * The projections of a kind, also of one that has no element.
   *
   * @param {string} kind
   * @returns {KubernetesObject[]}
   */
  objects(kind) {
    return this.#applier.tree.entries(kind).flatMap((entry) => entry.object ?? []);
  }

  /** Tries to connect now instead of waiting for the next attempt. */
  reconnect() {
    if (this.#connection) this.#connection.retry();
    else if (this.isConnected) this.#connect();
  }

  /** Closes the connection until the element is put into a document again, or `reconnect()` is called. */
  disconnect() {
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
  }

  /**
   * Sends a command about any resource, also one without an element.
   *
   * @param {string} name
   * @param {CommandOptions & {target: CommandTarget}} options
   * @returns {Promise<CommandResult>}
   */
  command(name, { target, ...options }) {
    return this.#commands.issue(name, target, options);
  }

  #connect() {
    if (this.#connection) return;
    const url = new URL(this.getAttribute('src') ?? '/api/socket', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const namespaces = (this.getAttribute('namespaces') ?? '').split(/[\s,]+/).filter(Boolean);
    this.#connection = new Connection({
      url: url.href,
      subscribe: () => this.#position.subscribe(namespaces),
      forget: () => this.#position.forget(),
      onmessage: (message) => this.#receive(message),
      onstatus: (status) => this.#tell(status),
      onlost: () => this.#commands.connectionLost(),
    });
    this.#connection.open();
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === 'ack' || message.type === 'result' || message.type === 'error') {
      if (!this.#commands.take(message) && message.type === 'error') this.#complain(message);
      return;
    }
    if (message.type === 'heartbeat') this.#behind(message.lag ?? 0);
    const frame = this.#position.admit(message);
    if (message.type === 'hello') {
      this.#hello = message;
      // A replay has no end of its own: what it brings, if anything, comes as changes.
      if (this.#position.taken) this.#connection?.confirm();
    }
    if (!frame) return;
    if (frame.type === 'resync') {
      this.#connection?.resyncing(frame.reason);
      this.#commands.eventsLost();
    }
    const connection = this.#connection;
    this.#applier.push(frame, frame.type === 'snapshotEnd' ? () => connection?.confirm() : undefined);
  }

  /** @param {ConnectionStatus} status */
  #tell(status) {
    this.setAttribute('status', status.state);
    this.dispatchEvent(new CustomEvent('kube:status', { bubbles: true, composed: true, detail: status }));
  }

  /**
   * Shows that kubedom itself is behind the cluster.
   *
   * @param {number} seconds
   */
  #behind(seconds) {
    const before = this.getAttribute('lag');
    if (seconds > 0) this.setAttribute('lag', String(seconds));
    else this.removeAttribute('lag');
    if (before !== this.getAttribute('lag')) this.#tell(this.status);
  }

  /** @param {ServerMessage} message */
  #complain(message) {
    console.warn(`kubedom: ${message.message ?? message.code}`);
    const detail = { code: message.code ?? 'error', message: message.message ?? '' };
    this.dispatchEvent(new CustomEvent('kube:error', { bubbles: true, composed: true, detail }));
  }
}

/**
 * A request without a body and without script, as a form sends it, can tell its page's choice only by a cookie.
 *
 * @param {string} deployment
 */
function nameDefaultDeployment(deployment) {
  const lifetime = deployment ? '' : '; max-age=0';
  document.cookie = `kubedom_default_deployment=${encodeURIComponent(deployment)}; path=/api/deploy; SameSite=Strict${lifetime}`;
}
