/**
 * Which cluster a widget speaks of: the one that its attribute `cluster` selects, else the one that it is in, else the page's first.
 */
import { KubeCluster } from '../elements/cluster.js';
import { select } from './html.js';

/**
 * Tells a widget its cluster, now and whenever it is another one or its connection is in another state.
 *
 * @param {Element} widget
 * @param {(cluster: KubeCluster | null, signal: AbortSignal) => void} onchange Is given a signal that ends with what it was told.
 * @param {AbortSignal} signal
 */
export function followCluster(widget, onchange, signal) {
  let turn = new AbortController();
  /** @param {KubeCluster | null} cluster */
  const change = (cluster) => {
    turn.abort();
    turn = new AbortController();
    const until = AbortSignal.any([signal, turn.signal]);
    // One that was taken out of the document tells its end on nothing but itself.
    const gone = () => cluster?.isConnected || change(find(widget));
    cluster?.addEventListener('kube:status', gone, { signal: until });
    onchange(cluster, until);
  };
  const told = (/** @type {Event} */ event) => {
    const [teller] = event.composedPath();
    // It may be in a shadow root, where no selector finds it.
    change(find(widget) ?? (teller instanceof KubeCluster ? teller : null));
  };
  document.addEventListener('kube:status', told, { signal });
  change(find(widget));
}

/**
 * @param {Element} widget
 * @returns {KubeCluster | null}
 */
export function find(widget) {
  const selector = widget.getAttribute('cluster');
  const found = selector
    ? select(document, selector)
    : (widget.closest('kube-cluster') ?? document.querySelector('kube-cluster'));
  return found instanceof KubeCluster ? found : null;
}
