/**
 * `<kube-count selector cluster>`: how many elements of the cluster's tree match a CSS selector, always.
 *
 * In: attributes and the tree. Out: a number, also as the attribute `count`; the attribute `state` is that of the cluster's
 * connection. It promises a dash instead of a number that is not known yet. With the attribute `live` a screen reader is told of
 * changes, politely; without, it is silent, because some numbers change all the time.
 */
import { reflect } from '../elements/resource.js';
import { followCluster } from './cluster-of.js';
import { html, selectorOf, setAttribute, setText } from './html.js';
import { build, sheet } from './look.js';
import { TreeWatch } from './tree-watch.js';
import { KubeWidget } from './widget.js';

const LOOK = sheet(`
  :host { font-variant-numeric: tabular-nums; }
  :host([state=stale]), :host([state=offline]) { color: var(--quiet); }
`);

/** @typedef {import('../elements/cluster.js').KubeCluster} KubeCluster */

export class KubeCount extends KubeWidget {
  static observedAttributes = ['selector', 'cluster', 'live'];

  #number = html('span', { part: 'count' }, '–');

  constructor() {
    super();
    build(this, LOOK, [this.#number]);
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (name === 'live') setAttribute(this.#number, 'role', after === null ? null : 'status');
    else if (before !== after) this.restart();
  }

  /** The number; null while it is not known. */
  get count() {
    const count = this.getAttribute('count');
    return count === null ? null : Number(count);
  }

  /** @protected @param {AbortSignal} signal */
  begin(signal) {
    const selector = selectorOf(this);
    this.#show(null);
    if (!selector) return;
    followCluster(
      this,
      (cluster, until) => {
        const state = cluster?.status.state ?? 'offline';
        reflect(this, { state });
        if (!cluster) this.#show(null);
        // While a cluster is read for the first time any number would be wrong.
        else if (state !== 'connecting' && (state === 'live' || cluster.childElementCount > 0)) {
          const watch = TreeWatch.of(cluster);
          watch.follow(() => this.#show(watch.count(selector)), until);
        }
      },
      signal,
    );
  }

  /** @param {number | null} count */
  #show(count) {
    setText(this.#number, count === null ? '–' : count.toLocaleString());
    setAttribute(this, 'count', count === null ? null : String(count));
  }
}
