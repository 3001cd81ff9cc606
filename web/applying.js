/**
 * Applies frames to the tree and tells the listeners.
 *
 * In: frames in order. Out: elements that are as the frames say, events on them, and one `kube:change` for what was applied in
 * one go. It promises the order of the frames, slices of at most 8 ms (a small frame is applied at once, a snapshot of 150,000
 * pods never blocks the page), that a deletion is told before its element goes, and that an entry which cannot be applied
 * costs only itself.
 *
 * @import {Entry, EventEntry, StateEntry} from './index.js'
 * @import {Frame} from './position.js'
 */
import { APPROVAL, ClusterEvent, RECOVERED, allowed, dispatch, lowerFirst, nameKey, resourceOf } from './events.js';
import { Incidents } from './incidents.js';
import { isEvent, isState } from './protocol.js';
import { setIncidents } from './elements/resource.js';
import { Tree } from './tree.js';

const SLICE_MS = 8;

/** @typedef {import('./elements/resource.js').KubeResource} KubeResource */

export class Applier {
  /** @type {Element} */
  #root;
  /** @type {Tree} */
  tree;
  incidents = new Incidents();

  /** @type {Generator<void, void>[]} */
  #queue = [];
  #running = false;
  /** @type {() => string} */
  #epoch;
  /** @type {(entry: EventEntry) => void} */
  #onevent;

  /** @type {Set<string>} What the snapshot that is being applied has mentioned. */
  #seen = new Set();
  /** @type {EventEntry[]} */
  #snapshotIncidents = [];
  /** Whether there was a complete snapshot before: the next one reconciles. */
  #filled = false;

  /** @type {{added: Set<KubeResource>, changed: Set<KubeResource>, removed: Set<KubeResource>}} */
  #batch = { added: new Set(), changed: new Set(), removed: new Set() };

  /**
   * @param {Element} root
   * @param {() => string} epoch
   * @param {(entry: EventEntry) => void} onevent Is told of every event entry before its listeners are.
   */
  constructor(root, epoch, onevent) {
    this.#root = root;
    this.#epoch = epoch;
    this.#onevent = onevent;
    this.tree = new Tree(root);
  }

  /**
   * @param {Frame} frame
   * @param {() => void} [applied] Called once it and all before it are applied.
   */
  push(frame, applied) {
    this.#queue.push(this.#steps(frame, applied));
    if (!this.#running) this.#run();
  }

  /** @returns {Promise<void>} Once all that was pushed is applied. */
  async settled() {
    while (this.#running) await pause();
  }

  #run() {
    this.#running = true;
    const end = performance.now() + SLICE_MS;
    while (this.#queue.length > 0) {
      const [steps] = this.#queue;
      if (this.#step(steps)) this.#queue.shift();
      if (this.#queue.length > 0 && performance.now() > end) {
        this.#flush();
        pause().then(() => this.#run());
        return;
      }
    }
    this.#flush();
    this.#running = false;
  }

  /**
   * @param {Generator<void, void>} steps
   * @returns {boolean} Whether the frame is done.
   */
  #step(steps) {
    try {
      return steps.next().done === true;
    } catch (error) {
      // Only a defect of ours comes here; entries are guarded one by one.
      console.error('kubedom: a frame could not be applied.', error);
      return true;
    }
  }

  /**
   * @param {Frame} frame
   * @param {() => void} [applied]
   * @returns {Generator<void, void>}
   */
  *#steps(frame, applied) {
    if ('first' in frame && frame.first) {
      this.#seen = new Set();
      this.#snapshotIncidents = [];
    }
    if (frame.type === 'changes') {
      for (const entry of frame.entries) {
        this.#guard(entry, () => this.#change(entry));
        yield* this.tree.settle();
        yield;
      }
    } else if (frame.type === 'snapshot') {
      this.#snapshotIncidents.push(...frame.incidents.filter(isEvent));
      for (const entry of frame.entries) {
        if (isState(entry)) {
          this.#guard(entry, () => this.#upsert(entry, false));
          this.#seen.add(entry.uid);
        }
        yield* this.tree.settle();
        yield;
      }
    } else if (frame.type === 'snapshotEnd') {
      yield* this.#finishSnapshot();
    }
    applied?.();
  }

  *#finishSnapshot() {
    const open = new Set(this.#snapshotIncidents.map((entry) => entry.incident?.id));
    // What ended while nobody told this page: it is over, though not by an event of its own.
    for (const incident of this.incidents.all.filter((each) => !open.has(each.id))) {
      this.incidents.drop([incident]);
      this.#mark(incident.resource.uid);
      if (this.#seen.has(incident.resource.uid) || !this.tree.has(incident.resource.uid)) {
        this.tree.target(incident.resource).dispatchEvent(
          new ClusterEvent(RECOVERED, {
            id: `${incident.id}/resync`,
            time: new Date().toISOString(),
            replayed: true,
            resource: incident.resource,
            detail: incident.detail,
            incident: { id: incident.id, kind: incident.kind, phase: 'end', since: incident.since, container: incident.container },
          }),
        );
      }
      yield;
    }
    for (const uid of this.tree.uids()) {
      if (!this.#seen.has(uid)) this.#remove({ op: 'delete', kind: '', uid, time: new Date().toISOString(), replayed: true });
      yield;
    }
    this.#seen.clear();
    for (const entry of this.#snapshotIncidents.splice(0)) {
      entry.replayed = true;
      this.#guard(entry, () => this.#event(entry, true));
      yield;
    }
    if (this.#filled) this.#tell('kube:resync', {});
    this.#filled = true;
  }

  /** @param {Entry} entry */
  #change(entry) {
    if (isEvent(entry)) this.#event(entry, false);
    else if (!isState(entry)) return;
    else if (entry.op === 'upsert') this.#upsert(entry, true);
    else this.#remove(entry);
  }

  /**
   * @param {StateEntry} entry
   * @param {boolean} announce Whether a new resource is news; in a snapshot it is not.
   */
  #upsert(entry, announce) {
    const done = this.tree.upsert(entry);
    if (!done) return;
    const { element, created } = done;
    // Incidents may be known before their resource is, when a filter or a resume brings them in that order.
    if (created && this.incidents.of(entry.uid).length > 0) this.#mark(entry.uid);
    if (created) this.#batch.removed.delete(element);
    (created ? this.#batch.added : this.#batch.changed).add(element);
    if (created && announce) this.#announce(element, entry, 'Created');
  }

  /** @param {StateEntry} entry */
  #remove(entry) {
    const element = this.tree.element(entry.uid);
    if (element) {
      this.#announce(element, entry, 'Deleted');
      // One that came and went between two tellings is nobody's news.
      if (!this.#batch.added.delete(element)) this.#batch.removed.add(element);
      this.#batch.changed.delete(element);
    }
    this.incidents.drop(this.incidents.of(entry.uid));
    this.tree.remove(entry.uid);
  }

  /**
   * @param {KubeResource} element
   * @param {StateEntry} entry
   * @param {'Created' | 'Deleted'} what
   */
  #announce(element, entry, what) {
    const { kind, name, namespace, uid } = element;
    const type = `${lowerFirst(kind)}${what}`;
    if (!allowed(type)) return;
    element.dispatchEvent(
      new ClusterEvent(type, {
        id: entry.sequence === undefined ? `${uid}/${what}` : `${this.#epoch()}-${entry.sequence}`,
        time: entry.time ?? '',
        replayed: entry.replayed === true,
        resource: { kind, name, namespace, uid: entry.uid },
        detail: { [nameKey(kind)]: name, namespace },
      }),
    );
  }

  /**
   * @param {EventEntry} entry
   * @param {boolean} snapshot
   */
  #event(entry, snapshot) {
    this.#onevent(entry);
    const verdict = this.incidents.take(entry);
    const types = verdict.types.filter((type, at) => at > 0 || type !== entry.type || allowed(type));
    const resource = resourceOf(entry);
    if (entry.incident) this.#mark(resource.uid);
    // A snapshot brings open incidents again and again; only what was not known is news.
    if (types.length === 0 || (snapshot && types[0] === 'kube:incidentchange')) return;
    const open = () => !entry.incident || this.incidents.has(entry.incident.id);
    dispatch(this.tree.target(resource), this.#root, entry, types, verdict.failure || entry.type === APPROVAL, open);
  }

  /** @param {string} uid */
  #mark(uid) {
    const element = this.tree.element(uid);
    if (!element) return;
    setIncidents(element, this.incidents.of(uid));
    if (!this.#batch.added.has(element)) this.#batch.changed.add(element);
  }

  /**
   * @param {Entry} entry
   * @param {() => void} apply
   */
  #guard(entry, apply) {
    try {
      apply();
    } catch (error) {
      console.error('kubedom: left out an entry that cannot be applied.', entry, error);
    }
  }

  #flush() {
    const { added, changed, removed } = this.#batch;
    if (added.size + changed.size + removed.size === 0) return;
    for (const element of added) changed.delete(element);
    this.#batch = { added: new Set(), changed: new Set(), removed: new Set() };
    this.#tell('kube:change', { added: [...added], changed: [...changed], removed: [...removed] });
  }

  /** @param {string} type @param {object} detail */
  #tell(type, detail) {
    this.#root.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, detail }));
  }
}

const channel = new MessageChannel();
/** @type {(() => void)[]} */
const resumptions = [];
channel.port1.onmessage = () => resumptions.shift()?.();

/** Lets the page breathe; unlike a timer it is not slowed down in a tab that is not looked at. */
function pause() {
  const { scheduler } = /** @type {{scheduler?: {yield?: () => Promise<void>}}} */ (globalThis);
  if (scheduler?.yield) return scheduler.yield();
  return new Promise((/** @type {(value: void) => void} */ resolve) => {
    resumptions.push(resolve);
    channel.port2.postMessage(null);
  });
}
