/**
 * One hub for all pages of the origin where there is no SharedWorker: the page that holds the lock has it, and the others speak
 * to it over a channel each. When that page goes, the lock passes on, and everybody comes to the new hub with their position.
 *
 * @import {FromHub, OpenPort, Port} from './link.js'
 */
import { Hub } from './hub.js';

/**
 * @param {string} name
 * @param {(said: FromHub) => void} hear
 * @returns {Promise<OpenPort>}
 */
export function electedPort(name, hear) {
  const id = Array.from(crypto.getRandomValues(new Uint32Array(4)), (number) => number.toString(36)).join('');
  const all = new BroadcastChannel(name);
  const own = new BroadcastChannel(`${name}/${id}`);
  const closing = new AbortController();
  return new Promise((resolve) => {
    let welcomed = false;
    own.onmessage = ({ data }) => {
      if (!data.welcome) hear(data);
      else if (welcomed) hear({ dropped: true });
      else resolve({ postMessage, close });
      welcomed ||= data.welcome;
    };
    all.onmessage = ({ data }) => {
      if (data.leading) all.postMessage({ page: id });
    };
    all.postMessage({ page: id });
    // The request ends with an error when this page closes its port before it had the lock.
    navigator.locks.request(name, { signal: closing.signal }, () => lead(name, closing.signal)).catch(() => {});

    const postMessage = (/** @type {unknown} */ said) => own.postMessage(said);
    const close = () => {
      own.postMessage({ leave: true });
      closing.abort();
      own.close();
      all.close();
    };
  });
}

/**
 * Has the hub until the signal.
 *
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function lead(name, signal) {
  const hub = new Hub();
  const all = new BroadcastChannel(name);
  all.onmessage = ({ data }) => {
    if (!data.page) return;
    const channel = new BroadcastChannel(`${name}/${data.page}`);
    /** @type {Port} */
    const page = { postMessage: (said) => channel.postMessage(said) };
    channel.onmessage = (event) => {
      hub.hear(page, event.data);
      if (event.data.leave) channel.close();
    };
    channel.postMessage({ welcome: true });
  };
  all.postMessage({ leading: true });
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      all.close();
      hub.close();
      resolve();
    });
  });
}
