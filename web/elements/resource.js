/**
 * What every element of the cluster's tree has in common.
 *
 * Its attributes reflect identity and status, so that CSS selectors and MutationObservers work on them; `object` has the whole
 * projection. The tree writes them through the functions of this module, which a page does not import.
 *
 * @import {CommandOptions, CommandResult, Incident, KubernetesObject, StateEntry} from '../index.js'
 */
import { CommandError } from '../commands.js';

// Assigned by the class, the only place that can reach its private fields.
/** @type {(element: KubeResource) => StateEntry | null} */
let read;
/** @type {(element: KubeResource, entry: StateEntry) => void} */
let write;
/** @type {(element: KubeResource, incidents: readonly Incident[]) => void} */
let open;

export class KubeResource extends HTMLElement {
  /** @type {StateEntry | null} */
  #entry = null;
  /** @type {readonly Incident[]} */
  #incidents = [];

  static {
    read = (element) => element.#entry;
    write = (element, entry) => {
      element.#entry = entry;
    };
    open = (element, incidents) => {
      element.#incidents = incidents;
    };
  }

  get kind() {
    return this.getAttribute('kind') ?? '';
  }

  get name() {
    return this.getAttribute('name') ?? '';
  }

  get namespace() {
    return this.getAttribute('namespace') ?? '';
  }

  get uid() {
    return this.getAttribute('uid') ?? '';
  }

  /** The resource in Kubernetes' own shape, with the fields that may be shown; null until it is known. */
  /** @returns {KubernetesObject | null} */
  get object() {
    return this.#entry?.object ?? null;
  }

  /** The failures of this resource that are going on. */
  get incidents() {
    return this.#incidents;
  }

  /**
   * Asks the cluster to do something to this resource.
   *
   * @param {string} name
   * @param {CommandOptions} [options]
   * @returns {Promise<CommandResult>}
   */
  async command(name, options = {}) {
    const cluster = this.closest('kube-cluster');
    if (!cluster) throw new CommandError('targetGone', `${this.kind} ${this.name} is not in the cluster any more.`);
    return cluster.command(name, {
      ...options,
      target: { kind: this.kind, namespace: this.namespace, name: this.name, uid: this.uid },
    });
  }
}

/**
 * @param {KubeResource} element
 * @returns {StateEntry | null} What was last applied to it.
 */
export function entryOf(element) {
  return read(element);
}

/**
 * @param {KubeResource} element
 * @param {StateEntry} entry
 */
export function keep(element, entry) {
  write(element, entry);
}

/**
 * @param {KubeResource} element
 * @param {readonly Incident[]} incidents
 */
export function setIncidents(element, incidents) {
  open(element, incidents);
  reflect(element, { incident: [...new Set(incidents.map((incident) => incident.kind))].join(' ') || null });
}

/**
 * Writes the attributes that differ, so that an observer hears of changes only.
 *
 * @param {Element} element
 * @param {Record<string, string | number | null | undefined>} attributes An empty value removes the attribute.
 */
export function reflect(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === '') {
      if (element.hasAttribute(name)) element.removeAttribute(name);
    } else if (element.getAttribute(name) !== String(value)) {
      element.setAttribute(name, String(value));
    }
  }
}
