/**
 * The way to the hub: a SharedWorker; where there is none, a page that is elected; where that cannot be, a hub of one's own.
 *
 * @import {FromHub, OpenPort, Port} from './link.js'
 */

/** Of the messages between pages and hub: pages of another version have a hub of their own. */
const NAME = 'kubedom/1';
/** How long a worker may take to be loaded. */
const WORKER_MS = 10_000;

/**
 * @param {(said: FromHub) => void} hear
 * @returns {Promise<OpenPort>}
 */
export async function openPort(hear) {
  const shared = sharedWorker();
  if (shared) {
    const port = await attach(shared, hear);
    if (port) return port;
  }
  // Both are missing where the page is not served securely.
  if (navigator.locks && globalThis.BroadcastChannel) return (await import('./elected.js')).electedPort(NAME, hear);
  const { Hub } = await import('./hub.js');
  const hub = new Hub();
  /** @type {Port} */
  const page = { postMessage: (said) => queueMicrotask(() => hear(said)) };
  return { postMessage: (said) => hub.hear(page, said), close: () => hub.close() };
}

/**
 * @param {SharedWorker} worker
 * @param {(said: FromHub) => void} hear
 * @returns {Promise<OpenPort | null>} Null when it cannot be loaded.
 */
function attach(worker, hear) {
  const { port } = worker;
  return new Promise((resolve) => {
    const giveUp = () => {
      port.close();
      resolve(null);
    };
    const timer = setTimeout(giveUp, WORKER_MS);
    worker.onerror = giveUp;
    port.onmessage = ({ data }) => {
      clearTimeout(timer);
      worker.onerror = null;
      if (data.welcome) resolve({ postMessage: (said) => port.postMessage(said), close: () => leave(port) });
      else hear(data);
    };
  });
}

/**
 * Chromium keeps a worker's port as long as the page, and would keep with it whatever hears.
 *
 * @param {MessagePort} port
 */
function leave(port) {
  port.postMessage({ leave: true });
  port.onmessage = null;
  port.close();
}

/** @type {{createScriptURL(input: string): unknown} | undefined} */
let policy;

/** @returns {SharedWorker | null} */
function sharedWorker() {
  const address = new URL('./hub-worker.js', import.meta.url).href;
  const { trustedTypes } = /** @type {any} */ (globalThis);
  try {
    // The content policy lets `kubedom` through by name; it makes this one address and no other.
    policy ??= trustedTypes?.createPolicy('kubedom', { createScriptURL: () => address });
    const trusted = /** @type {string} */ (policy?.createScriptURL('') ?? address);
    return new SharedWorker(trusted, { type: 'module', name: NAME });
  } catch {
    return null;
  }
}
