/**
 * Where every resource's element is.
 *
 * In: state entries. Out: elements in their places: cluster > namespace > workload > pod, cron jobs around their jobs, and
 * nodes in the cluster. It promises that an element is created once for a uid and moved, never re-created, when its owner
 * becomes known or changes; that a lookup by uid is one Map access; and that an empty namespace leaves no element behind.
 * Kinds without an element of their own are only kept.
 *
 * @import {ObjectMetadata, ResourceReference, StateEntry} from './index.js'
 */
import { KubeNamespace } from './elements/namespace.js';
import { KubeNode } from './elements/node.js';
import { KubePod } from './elements/pod.js';
import { KubeResource, entryOf, keep, reflect } from './elements/resource.js';
import {
  KubeCronJob,
  KubeDaemonSet,
  KubeDeployment,
  KubeJob,
  KubeReplicaSet,
  KubeStatefulSet,
  KubeWorkload,
} from './elements/workload.js';

const CLASSES = new Map(
  [KubeCronJob, KubeDaemonSet, KubeDeployment, KubeJob, KubeNamespace, KubeNode, KubePod, KubeReplicaSet, KubeStatefulSet].map(
    (element) => [element.kind, element],
  ),
);

export class Tree {
  /** @type {Element} */
  #root;
  /** @type {Map<string, KubeResource>} */
  #elements = new Map();
  /** @type {Map<string, KubeNamespace>} */
  #namespaces = new Map();
  /** @type {Map<string, KubeWorkload>} By kind, namespace and name, which is how what they own names them. */
  #workloads = new Map();
  /** @type {Map<string, Set<KubeResource>>} What has an owner without an element yet, by that key. */
  #waiting = new Map();
  /** @type {Map<string, StateEntry>} Objects of kinds without an element. */
  #others = new Map();
  /** @type {KubeResource[]} What waited for a workload that is there now. */
  #moving = [];

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
  }

  /** @returns {IterableIterator<string>} */
  *uids() {
    yield* this.#elements.keys();
    yield* this.#others.keys();
  }

  /** @param {string} uid */
  has(uid) {
    return this.#elements.has(uid) || this.#others.has(uid);
  }

  /**
   * @param {string} uid
   * @returns {KubeResource | null}
   */
  element(uid) {
    return this.#elements.get(uid) ?? null;
  }

  /**
   * @param {string} kind
   * @returns {StateEntry[]}
   */
  entries(kind) {
    const own = [...this.#elements.values()].map(entryOf);
    return [...own, ...this.#others.values()].filter((entry) => entry !== null).filter((entry) => entry.kind === kind);
  }

  /**
   * Where an event is dispatched: on its resource's element, else on its namespace's, else on the cluster's.
   *
   * @param {ResourceReference} resource
   */
  target(resource) {
    return this.#elements.get(resource.uid) ?? this.#namespaces.get(resource.namespace) ?? this.#root;
  }

  /**
   * @param {StateEntry} entry
   * @returns {{element: KubeResource, created: boolean} | null} Null when the kind has no element.
   */
  upsert(entry) {
    const known = this.#elements.get(entry.uid);
    const element = known ?? this.#create(entry);
    if (!element) {
      this.#others.set(entry.uid, entry);
      return null;
    }
    const { name, namespace = '' } = entry.object?.metadata ?? {};
    keep(element, entry);
    // A namespace's element may have been there before its object.
    const fresh = !known && !(element instanceof KubeNamespace);
    if (!known) reflect(element, { name, namespace, uid: entry.uid }, fresh);
    reflect(element, /** @type {typeof KubeResource} */ (element.constructor).status(entry), fresh);
    if (element instanceof KubePod || element instanceof KubeJob) this.#place(element, namespace, !known);
    else if (!known && element instanceof KubeWorkload) move(this.#namespace(namespace), element);
    else if (!known && element instanceof KubeNode) this.#root.append(element);
    if (!known && element instanceof KubeWorkload) this.#welcome(element, namespace);
    return { element, created: !known };
  }

  /** Moves what belongs to a new workload into it; that can be many, so it is done step by step, before the next entry. */
  *settle() {
    for (let child; (child = this.#moving.pop()); ) {
      this.#place(child, child.namespace, false);
      yield;
    }
  }

  /** @param {string} uid */
  remove(uid) {
    this.#others.delete(uid);
    const element = this.#elements.get(uid);
    if (!element) return;
    this.#elements.delete(uid);
    if (element instanceof KubeNamespace) {
      element.removeAttribute('uid');
      keep(element, null);
      this.#prune(element.name);
      return;
    }
    this.#unwait(element);
    const { kind, name, namespace } = element;
    if (element instanceof KubeWorkload) {
      const key = keyOf(kind, namespace, name);
      if (this.#workloads.get(key) === element) this.#workloads.delete(key);
      // What it owns outlives it for a moment, or for good when it was orphaned.
      const children = /** @type {KubeResource[]} */ ([...element.children]);
      for (const child of children) this.#place(child, namespace, false);
    }
    element.remove();
    this.#prune(namespace);
  }

  /** @param {StateEntry} entry */
  #create({ kind, uid, object }) {
    const metadata = object?.metadata ?? {};
    const Kind = CLASSES.get(kind);
    // A deployment's replica sets are its own affair: their pods are told to belong to the deployment.
    if (!Kind || (kind === 'ReplicaSet' && ownerOf(metadata, 'Deployment'))) return null;
    const element = Kind === KubeNamespace ? this.#namespace(metadata.name ?? '') : new Kind();
    this.#elements.set(uid, element);
    return element;
  }

  /** @param {string} name */
  #namespace(name) {
    let element = this.#namespaces.get(name);
    if (!element) {
      element = new KubeNamespace();
      element.setAttribute('name', name);
      this.#namespaces.set(name, element);
      this.#root.append(element);
    }
    return element;
  }

  /**
   * Puts it into its owner's element, or into its namespace's as long as that has none.
   *
   * @param {KubeResource} element
   * @param {string} namespace
   * @param {boolean} created
   */
  #place(element, namespace, created) {
    const entry = entryOf(element);
    const owner = element instanceof KubeJob ? ownerOf(entry?.object?.metadata ?? {}, 'CronJob') : entry?.workload;
    const key = owner ? keyOf(String(owner.kind), namespace, String(owner.name)) : '';
    const home = this.#workloads.get(key);
    if (!created) this.#unwait(element);
    if (key && !home) {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting.add(element));
      waitsFor.set(element, key);
    }
    move(home ?? this.#namespace(namespace), element);
  }

  /** @param {KubeResource} element */
  #unwait(element) {
    const key = waitsFor.get(element);
    if (key === undefined) return;
    waitsFor.delete(element);
    const waiting = this.#waiting.get(key);
    waiting?.delete(element);
    if (waiting?.size === 0) this.#waiting.delete(key);
  }

  /**
   * A workload that is new takes in what waited for it.
   *
   * @param {KubeWorkload} workload
   * @param {string} namespace
   */
  #welcome(workload, namespace) {
    const key = keyOf(workload.kind, namespace, workload.name);
    // After a deletion and re-creation under one name, what the predecessor owned goes with the name.
    const predecessor = this.#workloads.get(key);
    this.#workloads.set(key, workload);
    const children = /** @type {Iterable<KubeResource>} */ (predecessor?.children ?? []);
    this.#moving = [...children, ...(this.#waiting.get(key) ?? [])].reverse();
  }

  /** @param {string} name */
  #prune(name) {
    const element = this.#namespaces.get(name);
    if (!element || element.childElementCount > 0 || element.uid) return;
    this.#namespaces.delete(name);
    element.remove();
  }
}

/** @type {WeakMap<KubeResource, string>} */
const waitsFor = new WeakMap();

/**
 * Where the platform can, an element that is in the document already is moved without being taken out.
 *
 * @param {Element & {moveBefore?: (node: Element, before: null) => void}} parent
 * @param {Element} element
 */
function move(parent, element) {
  if (element.parentNode === parent) return;
  if (parent.moveBefore && element.isConnected && parent.isConnected) parent.moveBefore(element, null);
  else parent.append(element);
}

/**
 * No Kubernetes name has a slash.
 *
 * @param {string} kind
 * @param {string} namespace
 * @param {string} name
 */
function keyOf(kind, namespace, name) {
  return `${kind}/${namespace}/${name}`;
}

/**
 * @param {ObjectMetadata} metadata
 * @param {string} kind
 */
function ownerOf({ ownerReferences }, kind) {
  return (ownerReferences ?? []).find((owner) => owner?.kind === kind);
}
