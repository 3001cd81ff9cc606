/**
 * Where this page stands in the bridge's journal.
 *
 * In: the messages of one connection after the other. Out: the same messages without the entries that were taken before, each
 * entry marked when it is a replay, and the position from which the next connection goes on. It promises that an entry passes
 * once, and that a position is offered for resuming only when everything up to it was received: a snapshot that
 * broke off leaves none.
 *
 * @import {Entry, ServerMessage} from './index.js'
 */
import { readEntries } from './protocol.js';

/**
 * What is to be applied to the tree, in this order.
 *
 * @typedef {{type: 'snapshot', first: boolean, entries: Entry[], incidents: Entry[]}
 *   | {type: 'snapshotEnd', first: boolean}
 *   | {type: 'changes', entries: Entry[]}
 *   | {type: 'resync', reason: string}} Frame
 */

export class Position {
  /** @type {{epoch: string, sequence: number} | null} */
  #taken = null;
  #epoch = '';
  /** The journal's head when this connection began: what comes with a lower sequence is a replay. */
  #head = 0;
  #snapshotting = false;

  /** @returns {{epoch: string, sequence: number} | null} What was received completely. */
  get taken() {
    return this.#taken;
  }

  /** @returns {string} The epoch of the journal that is being followed. */
  get epoch() {
    return this.#epoch;
  }

  /** Gives up the position: the next connection begins with a snapshot. */
  forget() {
    this.#taken = null;
  }

  /** There is a new connection: a snapshot that broke off with the former one begins anew. */
  opened() {
    this.#snapshotting = false;
  }

  /**
   * @param {ServerMessage} message
   * @returns {Frame | null} What is to be applied, if anything.
   */
  admit(message) {
    switch (message.type) {
      case 'hello':
        this.#epoch = String(message.epoch ?? '');
        this.#head = Number(message.head ?? 0);
        if (this.#taken?.epoch !== this.#epoch) this.#taken = null;
        return null;
      case 'resync':
        this.#taken = null;
        this.#snapshotting = false;
        return { type: 'resync', reason: String(message.reason ?? '') };
      case 'snapshot': {
        const first = !this.#snapshotting;
        this.#snapshotting = true;
        this.#taken = null;
        return { type: 'snapshot', first, entries: readEntries(message.entries), incidents: readEntries(message.incidents) };
      }
      case 'snapshotEnd': {
        const first = !this.#snapshotting;
        this.#snapshotting = false;
        this.#epoch = String(message.epoch ?? this.#epoch);
        this.#taken = { epoch: this.#epoch, sequence: Number(message.sequence ?? 0) };
        this.#head = Math.max(this.#head, this.#taken.sequence);
        return { type: 'snapshotEnd', first };
      }
      case 'changes':
        return { type: 'changes', entries: readEntries(message.entries).filter((entry) => this.#passes(entry)) };
      default:
        return null;
    }
  }

  /** @param {Entry} entry */
  #passes(entry) {
    const sequence = entry.sequence;
    if (typeof sequence !== 'number') return true;
    if (this.#taken) {
      if (sequence <= this.#taken.sequence) return false;
      this.#taken = { epoch: this.#taken.epoch, sequence };
    }
    if (sequence <= this.#head) entry.replayed = true;
    return true;
  }
}
