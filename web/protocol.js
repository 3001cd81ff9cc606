/**
 * The messages of protocol `kubedom.v1`, as they arrive.
 *
 * In: the text of one WebSocket frame. Out: a message whose envelope can be trusted (an object with a `type`, entries that
 * have what every entry must have). What this version does not know (a message type, an `op`, a kind, a field) passes
 * through and is ignored further on, so that a newer bridge can talk to an older page.
 *
 * @import {Entry, ServerMessage} from './index.js'
 * @import {CloseCode} from './messages.js'
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

/**
 * What a close code of the bridge means for this page.
 *
 * @typedef {object} Closing
 * @property {string} reason One word for scripts.
 * @property {string} message A sentence for people.
 * @property {boolean} known Whether this page knows the code.
 * @property {boolean} final Whether trying again makes no sense.
 * @property {number} patience How many failed attempts it counts as: more means a longer wait before the next.
 */

/** @type {Readonly<Record<CloseCode, Omit<Closing, 'patience' | 'known'> & {patience?: number}>>} */
const CLOSINGS = {
  1012: { reason: 'restarting', message: 'kubedom is restarting; this page comes back by itself.', final: false, patience: 3 },
  1013: { reason: 'busy', message: 'kubedom is busy; this page comes back by itself.', final: false, patience: 3 },
  4400: {
    reason: 'bad-message',
    message: 'kubedom refused a message of this page. Reload the page; if that does not help, it is a bug to report.',
    final: true,
  },
  4401: {
    reason: 'signed-out',
    message: "Your session is over. Reload the page to sign in again, or open a new link: Enter in kubedom's terminal prints one.",
    final: true,
  },
  4403: {
    reason: 'forbidden',
    message: 'You may not watch these namespaces. Ask for the right to list their pods, or choose others.',
    final: true,
  },
  4406: {
    reason: 'version',
    message: 'This page is older or newer than the kubedom that it talks to. Reload the page.',
    final: true,
  },
  4408: { reason: 'slow', message: 'This page fell behind and resumes where it was.', final: false, patience: 0 },
  4409: {
    reason: 'too-many-connections',
    message: 'There are too many open pages. Close some; this one keeps trying.',
    final: false,
    patience: 5,
  },
  4429: { reason: 'too-fast', message: 'kubedom asked this page to slow down.', final: false, patience: 5 },
};

/**
 * @param {number} code The code with which the WebSocket was closed.
 * @returns {Closing}
 */
export function closing(code) {
  const known = code in CLOSINGS && CLOSINGS[/** @type {CloseCode} */ (code)];
  if (known) return { patience: 1, ...known, known: true };
  return {
    known: false,
    reason: 'unreachable',
    message: 'kubedom cannot be reached. Is `kubedom run` still running?',
    final: false,
    patience: 1,
  };
}
