/**
 * The messages of protocol `kubedom.v1`, as they arrive.
 *
 * In: the text of one WebSocket frame. Out: a message whose envelope can be trusted (an object with a `type`, entries that
 * have what every entry must have). What this version does not know (a message type, an `op`, a kind, a field) passes
 * through and is ignored further on, so that a newer bridge can talk to an older page.
 *
 * @import {Entry, ServerMessage} from './index.js'
 */

/** The WebSocket subprotocol that this SDK speaks. */
export const SUBPROTOCOL = 'kubedom.v1';

/** A frame that is not a message at all: what it carried is unknown, so the connection must be resumed. */
export class MalformedFrame extends Error {}

/**
 * Reads one frame.
 *
 * @param {unknown} data The frame's payload.
 * @returns {ServerMessage}
 * @throws {MalformedFrame} When it is not a JSON object with a type.
 */
export function readMessage(data) {
  if (typeof data !== 'string') throw new MalformedFrame('The bridge sent a binary frame.');
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    throw new MalformedFrame('The bridge sent a frame that is not JSON.');
  }
  if (!isObject(message) || typeof message.type !== 'string') {
    throw new MalformedFrame('The bridge sent a frame without a type.');
  }
  return /** @type {ServerMessage} */ (/** @type {unknown} */ (message));
}

/**
 * Whose part of a snapshot this is, seen from how the bridge begins one: large texts are for the page to read, and what does not
 * begin so is read as everything else.
 *
 * @param {unknown} data
 * @returns {ServerMessage | null} The message without what is in it.
 */
export function glance(data) {
  const found = typeof data === 'string' && /^\{"type":"snapshot",(?:"subscription":"(\w+)",)?"entries":/.exec(data);
  return found ? { type: 'snapshot', ...(found[1] && { subscription: found[1] }) } : null;
}

/**
 * The readable entries of a message; an entry that cannot be read is told on the console and left out, so that it costs
 * only itself.
 *
 * @param {unknown} value `entries` or `incidents` of a message.
 * @returns {Entry[]}
 */
export function readEntries(value) {
  if (!Array.isArray(value)) return [];
  return value.filter((entry) => {
    const readable = isObject(entry) && typeof entry.op === 'string' && typeof entry.kind === 'string';
    if (!readable) console.warn('kubedom: left out an entry that cannot be read.', entry);
    return readable;
  });
}

/**
 * @param {Entry} entry
 * @returns {entry is import('./index.js').StateEntry}
 */
export function isState(entry) {
  return (entry.op === 'upsert' || entry.op === 'delete') && typeof entry.uid === 'string' && entry.uid !== '';
}

/**
 * @param {Entry} entry
 * @returns {entry is import('./index.js').EventEntry}
 */
export function isEvent(entry) {
  return entry.op === 'event' && 'type' in entry && typeof entry.type === 'string';
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DEFAULT_HEARTBEAT_S = 15;

/**
 * How many milliseconds there are between two heartbeats.
 *
 * @param {ServerMessage} hello
 */
export function heartbeatOf(hello) {
  return Number(hello.heartbeat ?? DEFAULT_HEARTBEAT_S) * 1000;
}

/**
 * After how many milliseconds without a message a heartbeat has been missed.
 *
 * @param {ServerMessage} hello
 */
export function silenceOf(hello) {
  const heartbeat = heartbeatOf(hello);
  return heartbeat + Math.min(5000, heartbeat / 2);
}
