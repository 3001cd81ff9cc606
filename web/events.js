/**
 * What listeners get: the class of the cluster's events, and the rules of dispatching them.
 *
 * @import {EventEntry, ResourceReference, WireIncident} from './index.js'
 */

/** Dispatched after the specific event of every failure. */
export const FAILED = 'resource-failed';
/** Dispatched after the specific event of every recovery. */
export const RECOVERED = 'resource-recovered';
/** An action waits for somebody's approval; a page may ask its user. */
export const APPROVAL = 'healingAwaitingApproval';

/**
 * Something that happened to a resource, dispatched on its element; it bubbles to `document`.
 *
 * @template [Detail=any]
 * @extends {CustomEvent<Detail>}
 */
export class ClusterEvent extends CustomEvent {
  /** @type {string} */ #id;
  /** @type {string} */ #time;
  /** @type {boolean} */ #replayed;
  /** @type {string} */ #severity;
  /** @type {WireIncident | null} */ #incident;
  /** @type {ResourceReference} */ #resource;

  /**
   * @param {string} type
   * @param {object} init
   * @param {string} init.id
   * @param {string} init.time
   * @param {ResourceReference} init.resource
   * @param {Detail} init.detail
   * @param {boolean} [init.replayed]
   * @param {string} [init.severity]
   * @param {WireIncident | null} [init.incident]
   * @param {boolean} [init.cancelable]
   */
  constructor(type, init) {
    super(type, { detail: init.detail, bubbles: true, composed: true, cancelable: init.cancelable ?? false });
    this.#id = init.id;
    this.#time = init.time;
    this.#replayed = init.replayed ?? false;
    this.#severity = init.severity ?? 'info';
    this.#incident = init.incident ?? null;
    this.#resource = init.resource;
  }

  /** Unique in the cluster: the same event has the same id on every page. */
  get id() {
    return this.#id;
  }

  /** When it happened, by the cluster's clock (RFC 3339). */
  get time() {
    return this.#time;
  }

  /** True for what happened before this page (or its new connection) was there: open no modal, start no action. */
  get replayed() {
    return this.#replayed;
  }

  get severity() {
    return this.#severity;
  }

  get incident() {
    return this.#incident;
  }

  get resource() {
    return this.#resource;
  }
}

/** Names of the platform's events that have no `on…` property, and of the SDK's own. */
const RESERVED = new RegExp(
  '^(kube:.*|resource-failed|resource-recovered|domcontentloaded|dom(node|attr|subtree|character|focus|activate).*' +
    '|focus(in|out)|composition(start|update|end)|touch(start|end|move|cancel))$',
  'i',
);
/** @type {Map<string, boolean>} */
const judged = new Map();

/**
 * Whether an event of the cluster may be dispatched under this name. One that the platform uses may not: a
 * `CustomEvent('submit')` would submit real forms.
 *
 * @param {string} type
 */
export function allowed(type) {
  let verdict = judged.get(type);
  if (verdict === undefined) {
    const handler = `on${type.toLowerCase()}`;
    verdict = type !== '' && !RESERVED.test(type) && !(handler in window) && !(handler in document);
    if (!verdict) console.warn(`kubedom: refused to dispatch "${type}": the platform uses that name.`);
    if (judged.size < 1000) judged.set(type, verdict);
  }
  return verdict;
}

/**
 * `podName` for Pod: the key under which an event's detail has its resource's name.
 *
 * @param {string} kind
 */
export function nameKey(kind) {
  return `${lowerFirst(kind)}Name`;
}

/** @param {string} kind */
export function lowerFirst(kind) {
  return kind.charAt(0).toLowerCase() + kind.slice(1);
}

/**
 * Who an event entry is about, as far as it says so.
 *
 * @param {EventEntry} entry
 * @returns {ResourceReference}
 */
export function resourceOf(entry) {
  const detail = entry.detail ?? {};
  return {
    kind: entry.kind,
    namespace: String(detail.namespace ?? entry.namespace ?? ''),
    name: String(detail[nameKey(entry.kind)] ?? entry.subject?.split('/').at(-1) ?? ''),
    uid: entry.uid ?? '',
  };
}

/**
 * Dispatches what one event entry means: the specific event, then the generic one, then (for what has a default that nobody
 * prevented) `kube:default` on the cluster's element, which is where a page hangs its own reaction, as the platform does with
 * a link's navigation: `stopPropagation()` does not stop it, `preventDefault()` does.
 *
 * @param {Element} target
 * @param {Element} cluster
 * @param {EventEntry} entry
 * @param {string[]} types In order; of a failure's or recovery's, the last is the generic one.
 * @param {boolean} reacting Whether there is a default to prevent.
 */
export function dispatch(target, cluster, entry, types, reacting) {
  const init = {
    id: entry.id ?? '',
    time: entry.time ?? '',
    replayed: entry.replayed === true,
    severity: entry.severity,
    incident: entry.incident ?? null,
    resource: resourceOf(entry),
    detail: entry.detail ?? {},
    cancelable: reacting,
  };
  let prevented = false;
  let last;
  for (const type of types) {
    last = new ClusterEvent(type, init);
    if (prevented) last.preventDefault();
    target.dispatchEvent(last);
    prevented = last.defaultPrevented;
  }
  if (reacting && last && !prevented) cluster.dispatchEvent(new CustomEvent('kube:default', { detail: { event: last } }));
}
