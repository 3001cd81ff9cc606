/**
 * The failures that are going on, and what a message about one is to the listeners.
 *
 * In: event entries. Out: for each, the event types to dispatch. It promises one failure event for one incident, however often
 * its entry comes (a resume, a resync and a snapshot all bring it again), one more for each type that it escalates to, and
 * one recovery.
 *
 * @import {EventEntry, Incident} from './index.js'
 */
import { FAILED, RECOVERED, resourceOf } from './events.js';

/**
 * @typedef {object} Verdict
 * @property {string[]} types What to dispatch, in order.
 * @property {boolean} failure Whether a failure began or got worse, so that listeners may prevent the default.
 */

/** @type {Verdict} */
const NOTHING = { types: [], failure: false };

export class Incidents {
  /** @type {Map<string, {incident: Incident, types: Set<string>}>} */
  #open = new Map();
  /** @type {Map<string, Set<Incident>>} By the uid of the resource. */
  #byResource = new Map();

  /** @returns {Incident[]} All that are open, oldest first as they came. */
  get all() {
    return [...this.#open.values()].map((known) => known.incident);
  }

  /** @param {string} id */
  has(id) {
    return this.#open.has(id);
  }

  /**
   * @param {string} uid
   * @returns {Incident[]}
   */
  of(uid) {
    return [...(this.#byResource.get(uid) ?? [])];
  }

  /**
   * @param {EventEntry} entry
   * @returns {Verdict}
   */
  take(entry) {
    const about = entry.incident;
    if (!about || typeof about.id !== 'string') return { types: [entry.type], failure: false };
    const known = this.#open.get(about.id);
    if (about.phase === 'end') {
      this.#close(about.id);
      return { types: [entry.type, RECOVERED], failure: false };
    }
    const incident = read(entry);
    if (!known) {
      this.#open.set(about.id, { incident, types: new Set([entry.type]) });
      const { uid } = incident.resource;
      this.#byResource.set(uid, (this.#byResource.get(uid) ?? new Set()).add(incident));
      return { types: [entry.type, FAILED], failure: true };
    }
    Object.assign(known.incident, incident, { resource: known.incident.resource });
    if (!known.types.has(entry.type)) {
      known.types.add(entry.type);
      return { types: [entry.type], failure: false };
    }
    return about.phase === 'update' ? { types: ['kube:incidentchange'], failure: false } : NOTHING;
  }

  /**
   * Ends what is over without a message that says so.
   *
   * @param {Incident[]} over
   */
  drop(over) {
    for (const incident of over) this.#close(incident.id);
  }

  /** @param {string} id */
  #close(id) {
    const known = this.#open.get(id);
    if (!known) return;
    this.#open.delete(id);
    const { uid } = known.incident.resource;
    const siblings = this.#byResource.get(uid);
    siblings?.delete(known.incident);
    if (siblings?.size === 0) this.#byResource.delete(uid);
  }
}

/**
 * @param {EventEntry} entry
 * @returns {Incident}
 */
function read(entry) {
  const { id = '', kind = '', since = '', container = '', group = '' } = entry.incident ?? {};
  const detail = entry.detail ?? {};
  return {
    id,
    kind,
    type: entry.type,
    since: since || (entry.time ?? ''),
    container,
    group,
    severity: entry.severity ?? 'info',
    message: String(detail.message ?? ''),
    resource: resourceOf(entry),
    detail,
  };
}
