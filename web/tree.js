/**
 * Where every resource's element is.
 *
 * In: state entries. Out: elements in their places: cluster > namespace > workload > pod. It promises that an element is
 * created once for a uid and moved, never re-created, when its workload becomes known or changes; that a lookup by uid is one
 * Map access; and that an empty namespace leaves no element behind. Kinds without an element of their own are only kept.
 *
 * @import {ResourceReference, StateEntry} from './index.js'
 */
import { KubeDeployment, reflectWorkload } from './elements/deployment.js';
import { KubeNamespace, reflectNamespace } from './elements/namespace.js';
import { KubePod, reflectPod } from './elements/pod.js';
import { entryOf, keep, reflect } from './elements/resource.js';

/** @typedef {KubePod | KubeDeployment | KubeNamespace} Resource */

const WORKLOADS = new Set([
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'ReplicationController',
  'Job',
  'CronJob',
]);

export class Tree {
  /** @type {Element} */
  #root;
  /** @type {Map<string, Resource>} */
  #elements = new Map();
  /** @type {Map<string, KubeNamespace>} */
  #namespaces = new Map();
  /** @type {Map<string, KubeDeployment>} By kind, namespace and name, which is how a pod names its workload. */
  #workloads = new Map();
  /** @type {Map<string, Set<KubePod>>} Pods whose workload has no element yet, by that key. */
  #waiting = new Map();
  /** @type {Map<string, StateEntry>} Objects of kinds without an element. */
  #others = new Map();

  /** @param {Element} root */
  constructor(root) {
    this.#root = root;
  }

  /** @returns {IterableIterator<string>} */
  *uids() {
    yield* this.#elements.keys();
    yield* this.#others.keys();
  }

  /**
   * @param {string} uid
   * @returns {Resource | null}
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
   * @returns {{element: Resource, created: boolean} | null} Null when the kind has no element.
   */
  upsert(entry) {
    const known = this.#elements.get(entry.uid);
    const element = known ?? this.#create(entry);
    if (!element) {
      this.#others.set(entry.uid, entry);
      return null;
    }
    const { name = '', namespace = '' } = entry.object?.metadata ?? {};
    keep(element, entry);
    reflect(element, { name, namespace: element instanceof KubeNamespace ? null : namespace, uid: entry.uid });
    if (element instanceof KubePod) {
      reflectPod(element);
      this.#place(element, namespace);
    } else if (element instanceof KubeDeployment) {
      reflectWorkload(element);
      if (!known) this.#welcome(element, namespace);
    } else {
      reflectNamespace(element);
    }
    return { element, created: !known };
  }

  /** @param {string} uid */
  remove(uid) {
    this.#others.delete(uid);
    const element = this.#elements.get(uid);
    if (!element) return;
    this.#elements.delete(uid);
    if (element instanceof KubeNamespace) {
      element.removeAttribute('uid');
      keep(element, { op: 'delete', kind: 'Namespace', uid: '' });
      this.#prune(element.name);
      return;
    }
    const namespace = element.namespace;
    if (element instanceof KubePod) {
      this.#unwait(element);
    } else {
      const key = keyOf(element.kind, namespace, element.name);
      const successor = this.#workloads.get(key) !== element;
      if (!successor) this.#workloads.delete(key);
      // Its pods outlive a workload for a moment, or for good when they were orphaned.
      for (const pod of [...element.children]) if (pod instanceof KubePod) this.#place(pod, namespace);
    }
    element.remove();
    this.#prune(namespace);
  }

  /** @param {StateEntry} entry */
  #create(entry) {
    const { kind } = entry;
    const metadata = entry.object?.metadata ?? {};
    /** @type {Resource | null} */
    let element = null;
    if (kind === 'Pod') element = new KubePod();
    if (kind === 'Namespace') element = this.#namespace(metadata.name ?? '');
    if (WORKLOADS.has(kind) && !ownedByDeployment(metadata)) element = new KubeDeployment();
    if (element) this.#elements.set(entry.uid, element);
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
   * @param {KubePod} pod
   * @param {string} namespace
   */
  #place(pod, namespace) {
    const workload = pod.workload;
    const key = workload ? keyOf(workload.kind, namespace, workload.name) : '';
    const home = key ? this.#workloads.get(key) : undefined;
    this.#unwait(pod);
    if (key && !home) {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting.add(pod));
      waitsFor.set(pod, key);
    }
    const parent = home ?? this.#namespace(namespace);
    if (pod.parentElement !== parent) parent.append(pod);
  }

  /** @param {KubePod} pod */
  #unwait(pod) {
    const key = waitsFor.get(pod);
    if (key === undefined) return;
    waitsFor.delete(pod);
    const waiting = this.#waiting.get(key);
    waiting?.delete(pod);
    if (waiting?.size === 0) this.#waiting.delete(key);
  }

  /**
   * A workload that is new takes in the pods that waited for it.
   *
   * @param {KubeDeployment} workload
   * @param {string} namespace
   */
  #welcome(workload, namespace) {
    const key = keyOf(workload.kind, namespace, workload.name);
    // After a deletion and re-creation under one name, the pods of the predecessor go with the name.
    const predecessor = this.#workloads.get(key);
    this.#workloads.set(key, workload);
    this.#namespace(namespace).append(workload);
    for (const pod of [...(predecessor?.children ?? []), ...(this.#waiting.get(key) ?? [])]) {
      if (pod instanceof KubePod) this.#place(pod, namespace);
    }
  }

  /** @param {string} name */
  #prune(name) {
    const element = this.#namespaces.get(name);
    if (!element || element.childElementCount > 0 || element.uid) return;
    this.#namespaces.delete(name);
    element.remove();
  }
}

/** @type {WeakMap<KubePod, string>} */
const waitsFor = new WeakMap();

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
 * A Deployment's replica sets are its own affair: their pods are told to belong to the Deployment.
 *
 * @param {import('./index.js').ObjectMetadata} metadata
 */
function ownedByDeployment(metadata) {
  return (metadata.ownerReferences ?? []).some((owner) => owner?.kind === 'Deployment');
}
