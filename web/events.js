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

/** @type {(event: ClusterEvent) => Promise<unknown>[]} */
let waits;

/**
 * @typedef {object} ClusterEventInit
 * @property {string} id
 * @property {string} time
 * @property {ResourceReference} resource
 * @property {any} detail
 * @property {boolean} [replayed]
 * @property {string} [severity]
 * @property {WireIncident | null} [incident]
 * @property {boolean} [cancelable]
 */

/**
 * @template [Detail=any]
 * @extends {CustomEvent<Detail>}
 */
export class ClusterEvent extends CustomEvent {
  #init;
  /** @type {Promise<unknown>[] | undefined} */
  #waits;
  /** How many promises are not settled yet. */
  #pending = 0;

  static {
    waits = (event) => event.#waits ?? [];
  }

  /**
   * @param {string} type
   * @param {ClusterEventInit & {detail: Detail}} init
   * @throws {TypeError} For a name that the platform uses.
   */
  constructor(type, init) {
    if (clashes(type)) throw new TypeError(`"${type}" is an event of the platform; choose another name.`);
    super(type, { detail: init.detail, bubbles: true, composed: true, cancelable: init.cancelable ?? false });
    this.#init = init;
  }

  get id() {
    return this.#init.id;
  }

  get time() {
    return this.#init.time;
  }

  get replayed() {
    return this.#init.replayed ?? false;
  }

  get severity() {
    return this.#init.severity ?? 'info';
  }

  get incident() {
    return this.#init.incident ?? null;
  }

  get resource() {
    return this.#init.resource;
  }

  /** @param {unknown} promise */
  waitUntil(promise) {
    if (!this.cancelable) return;
    if (this.eventPhase === Event.NONE && this.#pending === 0) {
      throw new DOMException('waitUntil() was called after the event was dispatched.', 'InvalidStateError');
    }
    this.#pending += 1;
    const settled = () => (this.#pending -= 1);
    const wait = Promise.resolve(promise);
    (this.#waits ??= []).push(wait);
    wait.then(settled, settled);
  }
}

/**
 * Waits for what the listeners asked to be waited for, also for what they add meanwhile.
 *
 * @param {ClusterEvent[]} events
 * @returns {Promise<unknown[]> | null} The reasons of those that were rejected; null when nothing was asked for.
 */
export function waitedFor(events) {
  const all = () => events.flatMap(waits);
  if (all().length === 0) return null;
  return (async () => {
    let results = [];
    do results = await Promise.allSettled(all());
    while (results.length < all().length);
    return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  })();
}

/** Names of the platform's events that have no `on…` property. */
const PLATFORM = new RegExp(
  '^(domcontentloaded|dom(node|attr|subtree|character|focus|activate).*' +
    '|focus(in|out)|composition(start|update|end)|touch(start|end|move|cancel))$',
  'i',
);
/** @type {Map<string, boolean>} */
const judged = new Map();

/**
 * Whether the platform uses this name: a `CustomEvent('submit')` would submit real forms.
 *
 * @param {string} type
 */
function clashes(type) {
  let verdict = judged.get(type);
  if (verdict === undefined) {
    const handler = `on${type.toLowerCase()}`;
    verdict = type === '' || PLATFORM.test(type) || handler in window || handler in document;
    if (judged.size < 1000) judged.set(type, verdict);
  }
  return verdict;
}

/** @type {Set<string>} */
const refused = new Set();

/**
 * Whether an event of the cluster may be dispatched under this name, which must be neither the platform's nor the SDK's own.
 *
 * @param {string} type
 */
export function allowed(type) {
  if (!clashes(type) && !/^(kube:.*|resource-failed|resource-recovered)$/i.test(type)) return true;
  if (!refused.has(type)) console.warn(`kubedom: refused to dispatch "${type}": that name is the platform's or the SDK's own.`);
  if (refused.size < 1000) refused.add(type);
  return false;
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
 * a link's navigation: `stopPropagation()` does not stop it, `preventDefault()` does, and `waitUntil()` puts it off.
 *
 * @param {Element} target
 * @param {Element} cluster
 * @param {EventEntry} entry
 * @param {string[]} types In order; of a failure's or recovery's, the last is the generic one.
 * @param {boolean} reacting Whether there is a default to prevent.
 * @param {() => boolean} open Whether there is still a reason for the default.
 */
export function dispatch(target, cluster, entry, types, reacting, open) {
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
  /** @type {ClusterEvent[]} */
  const events = [];
  for (const type of types) {
    const event = new ClusterEvent(type, init);
    if (events.at(-1)?.defaultPrevented) event.preventDefault();
    target.dispatchEvent(event);
    events.push(event);
  }
  if (!reacting) return;
  const event = /** @type {ClusterEvent} */ (events.at(-1));
  const follow = () => {
    if (events.some((each) => each.defaultPrevented) || !open()) return;
    cluster.dispatchEvent(new CustomEvent('kube:default', { detail: { event } }));
  };
  const waiting = waitedFor(events);
  if (!waiting) return follow();
  void waiting.then((reasons) => {
    // Whoever waits for something that fails has not asked for the default to be left out.
    for (const reason of reasons) reportError(reason);
    follow();
  });
}
