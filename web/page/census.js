/**
 * How many pods are how, in all and in each namespace, counted as they change and not by going through them all.
 *
 * @import {KubeResource} from '../index.js'
 */
import { KubePod } from '../kubedom.js';
import { failing } from './filters.js';

/** @typedef {{status: string, namespace: string, failing: boolean}} Counted */
/** @typedef {{pods: number, failing: number}} Numbers */

export class Census {
  pods = 0;
  failing = 0;
  /** @type {Map<string, number>} */
  statuses = new Map();
  /** @type {Map<string, Numbers>} */
  namespaces = new Map();
  /** @type {Map<KubeResource, Counted>} */
  #counted = new Map();

  /** @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change */
  take({ added, changed, removed }) {
    for (const pod of [...added, ...changed]) {
      if (!(pod instanceof KubePod)) continue;
      this.#drop(pod);
      this.#add(pod);
    }
    for (const pod of removed) this.#drop(pod);
  }

  /** @param {KubePod} pod */
  #add(pod) {
    const counted = { status: pod.getAttribute('status') ?? 'Unknown', namespace: pod.namespace, failing: failing(pod) };
    this.#counted.set(pod, counted);
    this.#count(counted, 1);
  }

  /** @param {KubeResource} pod */
  #drop(pod) {
    const counted = this.#counted.get(pod);
    if (!counted) return;
    this.#counted.delete(pod);
    this.#count(counted, -1);
  }

  /** @param {Counted} counted @param {1 | -1} by */
  #count({ status, namespace, failing: unwell }, by) {
    this.pods += by;
    if (unwell) this.failing += by;
    const alike = (this.statuses.get(status) ?? 0) + by;
    if (alike > 0) this.statuses.set(status, alike);
    else this.statuses.delete(status);
    const { pods, failing: before } = this.namespaces.get(namespace) ?? { pods: 0, failing: 0 };
    if (pods + by > 0) this.namespaces.set(namespace, { pods: pods + by, failing: before + (unwell ? by : 0) });
    else this.namespaces.delete(namespace);
  }
}
