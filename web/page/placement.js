/**
 * How many pods are on each node, counted as they change.
 *
 * @import {KubeResource} from '../index.js'
 */
import { KubeNode, KubePod } from '../kubedom.js';

export class Placement {
  /** @type {Map<string, number>} By the node's name. */
  #counts = new Map();
  /** @type {Map<KubeResource, string>} On which node each pod is. */
  #places = new Map();
  /** @type {Map<string, KubeNode>} */
  #nodes = new Map();

  /** @param {string} node @returns {number} */
  on(node) {
    return this.#counts.get(node) ?? 0;
  }

  /**
   * @param {{added: KubeResource[], changed: KubeResource[], removed: KubeResource[]}} change
   * @returns {Set<KubeNode>} The nodes on which there are more or fewer now.
   */
  take({ added, changed, removed }) {
    /** @type {Set<string>} */
    const differ = new Set();
    for (const element of [...added, ...changed]) {
      if (element instanceof KubeNode) this.#nodes.set(element.name, element);
      else if (element instanceof KubePod) this.#put(element, element.getAttribute('node') ?? '', differ);
    }
    for (const element of removed) {
      if (this.#nodes.get(element.name) === element) this.#nodes.delete(element.name);
      else this.#put(element, '', differ);
    }
    return new Set([...differ].flatMap((name) => this.#nodes.get(name) ?? []));
  }

  /** @param {KubeResource} pod @param {string} node Empty for none. @param {Set<string>} differ */
  #put(pod, node, differ) {
    const before = this.#places.get(pod) ?? '';
    if (before === node) return;
    for (const [name, by] of /** @type {const} */ ([[before, -1], [node, 1]])) {
      if (name === '') continue;
      const count = this.on(name) + by;
      if (count > 0) this.#counts.set(name, count);
      else this.#counts.delete(name);
      differ.add(name);
    }
    if (node === '') this.#places.delete(pod);
    else this.#places.set(pod, node);
  }
}
