/**
 * What every element of the cluster's tree has in common.
 *
 * Its attributes reflect identity and status, so that CSS selectors and MutationObservers work on them; `object` has the whole
 * projection. The tree writes them through the functions of this module, which a page does not import.
 *
 * @import {CommandOptions, CommandResult, Incident, KubeCluster, KubernetesObject, StateEntry} from '../index.js'
 */
import { CommandError } from '../commands.js';

// Assigned by the class, the only place that can reach its private fields.
/** @type {(element: KubeResource) => StateEntry | null} */
let read;
/** @type {(element: KubeResource, entry: StateEntry | null) => void} */
let write;
/** @type {(element: KubeResource, incidents: readonly Incident[]) => void} */
let open;

/** @type {readonly Incident[]} */
const NONE = Object.freeze([]);

/** @typedef {Record<string, string | number | null | undefined>} Attributes An empty value removes the attribute. */

export class KubeResource extends HTMLElement {
  /** What Kubernetes calls it. */
  static kind = '';

  /** @type {StateEntry | null} */
  #entry = null;
  #incidents = NONE;

  static {
    read = (element) => element.#entry;
    write = (element, entry) => {
      element.#entry = entry;
    };
    open = (element, incidents) => {
      element.#incidents = incidents;
    };
  }

  /**
   * The attributes beside its identity.
   *
   * @param {StateEntry} _entry
   * @returns {Attributes}
   */
  static status(_entry) {
    return {};
  }

  /** @returns {string} */
  get kind() {
    return /** @type {typeof KubeResource} */ (this.constructor).kind;
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

  /** @returns {KubernetesObject | null} */
  get object() {
    return this.#entry?.object ?? null;
  }

  get incidents() {
    return this.#incidents;
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   * @param {CommandOptions} [options]
   * @returns {Promise<CommandResult>}
   */
  async command(name, args, options) {
    return clusterOf(this).command(name, args, { ...options, target: reference(this) });
  }

  /**
   * @param {string} name
   * @returns {Promise<boolean>}
   */
  async can(name) {
    return clusterOf(this).can(name, reference(this));
  }
}

/** @param {KubeResource} element */
function reference({ kind, namespace, name, uid }) {
  return { kind, namespace, name, uid };
}

/**
 * @param {KubeResource} element
 * @returns {KubeCluster}
 */
function clusterOf(element) {
  const cluster = element.closest('kube-cluster');
  if (!cluster) throw new CommandError('targetGone', `${element.kind} ${element.name} is not in the cluster any more.`);
  return cluster;
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
 * @param {StateEntry | null} entry
 */
export function keep(element, entry) {
  write(element, entry);
}

/**
 * @param {KubeResource} element
 * @param {readonly Incident[]} incidents
 */
export function setIncidents(element, incidents) {
  open(element, incidents.length > 0 ? incidents : NONE);
  reflect(element, { incident: [...new Set(incidents.map((incident) => incident.kind))].join(' ') });
}

/**
 * Writes the attributes that differ, so that an observer hears of changes only.
 *
 * @param {Element} element
 * @param {Attributes} attributes
 * @param {boolean} [fresh] Whether it has none yet.
 */
export function reflect(element, attributes, fresh = false) {
  for (const name in attributes) {
    const value = attributes[name];
    const before = fresh ? null : element.getAttribute(name);
    if (value === null || value === undefined || value === '') {
      if (before !== null) element.removeAttribute(name);
    } else if (before !== String(value)) {
      element.setAttribute(name, String(value));
    }
  }
}
