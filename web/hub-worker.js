/** The hub as a SharedWorker: one for all pages of the origin. */
import { Hub } from './hub.js';

const hub = new Hub();

self.addEventListener('connect', (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  /** @type {import('./link.js').Port} */
  const page = port;
  port.onmessage = ({ data }) => hub.hear(page, data);
  port.postMessage({ welcome: true });
});
