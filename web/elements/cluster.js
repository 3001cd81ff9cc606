/**
 * `<kube-cluster src="/api/socket" namespaces="a b" kinds="Pod Deployment">`: one connection to a bridge, and the cluster's tree
 * inside.
 *
 * It connects when it is in a document and disconnects when it is taken out; put back, it resumes. `src` is the bridge's socket
 * (default `/api/socket`), `namespaces` and `kinds` what to watch (default: all that the user may see), `default-deployment` what
 * `POST /api/deploy` without a body restarts (`namespace/name`). Its tree is `hidden`: it is for listeners, selectors and observers,
 * not for looking at.
 *
 * @import {CommandOptions, CommandResult, CommandTarget, ConnectionStatus, HelloMessage, Incident, KubernetesObject, ServerMessage} from '../index.js'
 * @import {LinkOptions} from '../link.js'
 */
import { Applier } from '../applying.js';
import { CommandError, Commands, randomKey } from '../commands.js';
import { ClusterEvent, waitedFor } from '../events.js';
import { Link } from '../link.js';
import { Position } from '../position.js';
import { Rights } from '../rights.js';

/** @type {(cluster: KubeCluster, open: LinkOptions['open']) => void} */
let route;
/** @type {(cluster: KubeCluster) => Promise<void>} */
let settle;

export class KubeCluster extends HTMLElement {
  static observedAttributes = ['src', 'namespaces', 'kinds', 'default-deployment'];

  #position = new Position();
  /** @type {Link | null} */
  #link = null;
  /** @type {LinkOptions['open']} */
  #open;
  /** @type {LinkOptions['token']} */
  #token = null;
  /** @type {HelloMessage | null} */
  #hello = null;
  #commands = new Commands((message) => this.#link?.send(message) ?? false);
  #rights = new Rights((message) => this.#link?.send(message) ?? false);
  /** @type {string[]} Events whose listeners are being told, and the bridge is to know it. */
  #traced = [];
  #applier = new Applier(this, () => this.#position.epoch, (entry) => {
    if (entry.traceparent && !entry.replayed) this.#traced.push(entry.traceparent);
    this.#commands.observe(entry);
  });

  static {
    route = (cluster, open) => {
      cluster.#open = open;
      cluster.disconnect();
      cluster.#position.forget();
      if (cluster.isConnected) cluster.#connect();
    };
    settle = (cluster) => cluster.#applier.settled();
  }

  connectedCallback() {
    this.hidden = true;
    this.#connect();
  }

  connectedMoveCallback() {}

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
    if (before !== after) this.#anew();
  }

  /** How the connection is; `kube:status` tells of its changes. */
  /** @returns {ConnectionStatus} */
  get status() {
    return (
      this.#link?.status ?? { state: 'offline', reason: 'closed', message: '', since: 0, final: false, retryAt: null }
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

  /** Fetches the bearer token, or renews the cookie of the sign-in. */
  get token() {
    return this.#token;
  }

  set token(fetch) {
    this.#token = fetch;
    this.#anew();
  }

  /** Tries to connect now instead of waiting for the next attempt. */
  reconnect() {
    if (this.#link) this.#link.retry();
    else if (this.isConnected) this.#connect();
  }

  /** Closes the connection until the element is put into a document again, or `reconnect()` is called. */
  disconnect() {
    const link = this.#link;
    this.#link = null;
    link?.close();
    this.#commands.closed();
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown> | undefined} args
   * @param {CommandOptions & {target: CommandTarget}} options
   * @returns {Promise<CommandResult>}
   */
  async command(name, args = {}, { target, signal, ...options }) {
    const idempotencyKey = options.idempotencyKey ?? randomKey();
    const event = new ClusterEvent('kube:beforecommand', {
      id: idempotencyKey,
      time: new Date().toISOString(),
      resource: { namespace: '', uid: '', ...target },
      detail: { ...options, idempotencyKey, name, args },
      cancelable: true,
    });
    (this.resource(target.uid ?? '') ?? this).dispatchEvent(event);
    const waiting = waitedFor([event]);
    // What was to be waited for and failed (a confirmation that was closed) is no consent.
    for (const reason of (waiting && (await waiting)) ?? []) throw reason;
    if (event.defaultPrevented) throw new CommandError('cancelled', 'A listener of this page kept the command back.');
    return this.#commands.issue(name, target, event.detail.args, { ...event.detail, signal });
  }

  /**
   * @param {string} name
   * @param {CommandTarget} target
   * @returns {Promise<boolean>}
   */
  can(name, target) {
    return this.#rights.ask(name, target);
  }

  #connect() {
    if (this.#link) return;
    const url = new URL(this.getAttribute('src') ?? '/api/socket', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const namespaces = words(this.getAttribute('namespaces'));
    const kinds = words(this.getAttribute('kinds'));
    this.#link = new Link({
      url: url.href,
      token: this.#token,
      open: this.#open,
      subscription: () => ({
        filter: { ...(namespaces.length > 0 && { namespaces }), ...(kinds.length > 0 && { kinds }) },
        since: this.#position.taken,
      }),
      onopened: () => this.#position.opened(),
      onmessage: (message) => this.#receive(message),
      onstatus: (status) => this.#tell(status),
      onlost: (ids) => {
        this.#commands.connectionLost(ids);
        this.#rights.connectionLost();
      },
      onunsent: (id) => {
        this.#commands.unsent(id);
        this.#rights.unsent(id);
      },
    });
    this.#link.open();
  }

  /** Another subscription is another document: what it lacks goes with its snapshot. */
  #anew() {
    if (!this.#link) return;
    this.disconnect();
    this.#position.forget();
    this.#connect();
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    const { type } = message;
    if (type === 'ack' || type === 'result' || type === 'verdicts' || type === 'error') {
      if (!this.#commands.take(message) && !this.#rights.take(message) && type === 'error') this.#complain(message);
      return;
    }
    if (message.type === 'heartbeat') this.#behind(message.lag ?? 0);
    const frame = this.#position.admit(message);
    if (message.type === 'hello') {
      this.#hello = message;
      // A replay has no end of its own: what it brings, if anything, comes as changes.
      if (this.#position.taken) this.#link?.confirm();
      this.#commands.connected();
    }
    if (!frame) return;
    if (frame.type === 'resync') {
      this.#link?.resyncing(frame.reason);
      this.#commands.eventsLost();
    }
    const link = this.#link;
    this.#applier.push(frame, () => {
      if (frame.type === 'snapshotEnd') link?.confirm();
      if (this.#traced.length > 0) link?.send({ type: 'seen', traceparents: this.#traced.splice(0) });
    });
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

/** @param {string | null} list */
function words(list) {
  return (list ?? '').split(/[\s,]+/).filter(Boolean);
}

/**
 * Lets the cluster be another one than the bridge's; fake.js does.
 *
 * @param {import('../index.js').KubeCluster} cluster
 * @param {LinkOptions['open']} open How to come to it; nothing for the bridge again.
 */
export function connectThrough(cluster, open) {
  route(/** @type {KubeCluster} */ (cluster), open);
}

/**
 * @param {import('../index.js').KubeCluster} cluster
 * @returns {Promise<void>} Once all that has arrived is applied and told.
 */
export function applied(cluster) {
  return settle(/** @type {KubeCluster} */ (cluster));
}
