/**
 * What the close codes of the bridge mean for a page.
 *
 * @import {CloseCode} from './messages.js'
 */
import { SUBPROTOCOL } from './protocol.js';

/**
 * @typedef {object} Closing
 * @property {string} reason One word for scripts.
 * @property {string} message A sentence for people.
 * @property {boolean} final Whether trying again makes no sense.
 * @property {number} patience How many failed attempts it counts as: more means a longer wait before the next.
 */

/** @type {Readonly<Record<CloseCode, Omit<Closing, 'patience'> & {patience?: number}>>} */
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
  4406: { reason: 'version', message: '', final: true },
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
 * @param {string} told The bridge's own words.
 * @returns {Closing}
 */
export function closing(code, told) {
  const known = code in CLOSINGS && CLOSINGS[/** @type {CloseCode} */ (code)];
  if (!known) {
    // Where there is no sentence for the code, the bridge's own words are the better one.
    const message = told || 'kubedom cannot be reached. Is `kubedom run` still running?';
    return { reason: 'unreachable', message, final: false, patience: 1 };
  }
  const message = code === 4406 ? versions(told) : known.message;
  return { patience: 1, ...known, message: known.final && told ? `${message} (${told})` : message };
}

/**
 * Says which side is behind, as far as the other one named its version.
 *
 * @param {string} told
 */
function versions(told) {
  const theirs = Number(/kubedom\.v(\d+)/.exec(told)?.[1]);
  const own = Number(SUBPROTOCOL.slice('kubedom.v'.length));
  if (theirs > own) return 'kubedom is newer than this page. Reload the page; if it has a kubedom.js of its own, update that.';
  if (theirs < own) return 'This page is newer than the kubedom that it talks to. Update kubedom, or use the kubedom.js that it serves.';
  return 'This page is older or newer than the kubedom that it talks to. Reload the page.';
}
