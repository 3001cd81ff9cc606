/**
 * Types of kubedom: `document.addEventListener('podFailed', (event) => event.detail.podName)` is typed by importing it.
 *
 * An author's own event names are added as on any platform type:
 *
 *     declare global { interface GlobalEventHandlersEventMap { myThing: ClusterEvent<{ podName: string }> } }
 */

import type { FailureEventMap } from './failures.js';
import type * as wire from './messages.js';

// --- Resources -------------------------------------------------------------------------------------------------------

/** A resource in Kubernetes' own shape, with the fields that kubedom lets out. */
export type KubernetesObject = wire.KubernetesObject;
export type ObjectMetadata = wire.Metadata;
export type OwnerReference = wire.OwnerReference;

export interface ResourceReference {
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

/** A failure that is going on. */
export interface Incident {
  id: string;
  /** Which failure: a row of the failure catalogue, as `ContainerCrashLoop`. */
  kind: string;
  /** The event that told of it last. */
  type: string;
  /** RFC 3339. */
  since: string;
  container: string;
  /** The id of the workload's incident that a pod's failure belongs to, also while that is not open. */
  group: string;
  severity: 'critical' | 'error' | 'warning' | 'info' | (string & {});
  /** One sentence. */
  message: string;
  resource: ResourceReference;
  detail: FailureDetail;
}

// --- Elements --------------------------------------------------------------------------------------------------------

export interface CommandOptions {
  /** Why, for those who read the action later. */
  reason?: string;
  /** Change nothing; the result tells what would be changed. */
  dryRun?: boolean;
  /** Two commands with one key are one action. Default: a random key. */
  idempotencyKey?: string;
  /** What becomes of it while this page is not connected: refused at once (the default), or kept and sent when it is again. */
  offline?: 'refuse' | 'keep';
  /** Stops waiting for the result; what was sent is done all the same, what is kept is not sent. */
  signal?: AbortSignal;
}

/** What a command needs beside its target, as `{ replicas: 3 }`, or `{ until: '2030-01-31T12:00:00Z' }` for `vetoHealing`. */
export type CommandArguments = Record<string, unknown>;

export type CommandTarget = wire.Target;

export interface CommandResult {
  phase: 'Succeeded';
  message: string;
  /** The HealingAction that did it. */
  action: { name: string; namespace: string; uid?: string; created?: boolean } | null;
}

/**
 * Why a command did not succeed.
 *
 * Codes of the page: `offline` (not sent), `cancelled` (a listener of `kube:beforecommand` kept it back), `disconnected` (sent, no
 * answer), `unknown` (acknowledged, the result was missed), `targetGone`; codes of the bridge: `forbidden`, `targetGone`,
 * `unknownCommand`, …; `failed`, `denied` and `expired` are how the action itself ended.
 */
export class CommandError extends Error {
  constructor(code: string, message: string, field?: string);
  readonly code: string;
  readonly field: string | undefined;
}

/**
 * Attributes: `name`, `namespace`, `uid` and, as far as they apply, `phase`, `status`, `ready`, `restarts`, `node`, `schedule` and
 * `incident` (the kinds of the failures that are going on).
 */
export class KubeResource extends HTMLElement {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** The resource with the fields that may be shown; null until it is known. */
  readonly object: KubernetesObject | null;
  /** The failures of this resource that are going on. */
  readonly incidents: readonly Incident[];
  /**
   * Asks the cluster to do something to this resource. It is fulfilled when that has reached its effect, and rejected with a
   * `CommandError`. A command leaves this page once, whatever becomes of the connection.
   */
  command(name: CommandName, args?: CommandArguments, options?: CommandOptions): Promise<CommandResult>;
  /**
   * Whether the user may do this, for greying out: kept for some seconds, and decided anew by the cluster when it is done.
   * Rejected with a `CommandError` where nobody can say, as while offline.
   */
  can(name: CommandName): Promise<boolean>;
}

export class KubePod extends KubeResource {
  /** The workload that the pod belongs to, also while that has no element. */
  readonly workload: { kind: string; name: string; uid?: string } | null;
}

/** What pods belong to. */
export class KubeWorkload extends KubeResource {}
export class KubeDeployment extends KubeWorkload {}
export class KubeStatefulSet extends KubeWorkload {}
export class KubeDaemonSet extends KubeWorkload {}
/** One that no deployment made. */
export class KubeReplicaSet extends KubeWorkload {}
export class KubeJob extends KubeWorkload {}
export class KubeCronJob extends KubeWorkload {}

export class KubeNode extends KubeResource {}

/** It is there as soon as anything in it is; `object` is null as long as the namespace's own object is not known. */
export class KubeNamespace extends KubeResource {}

export class KubeCluster extends HTMLElement {
  /** How the connection is; `kube:status` tells of its changes. */
  readonly status: ConnectionStatus;
  /** The cluster's name and version; empty until the bridge said it. */
  readonly info: { name: string; version: string };
  /** Who is signed in. */
  readonly user: string;
  /** All failures that are going on in the cluster. */
  readonly incidents: Incident[];
  /**
   * Fetches the bearer token, before each connection and before the token ends; or renews the sign-in's cookie and gives
   * nothing. Pages share a socket when their tokens are of one user. Setting it connects anew.
   */
  token: (() => Promise<string | void> | string | void) | null;
  /** The element of a resource. */
  resource(uid: string): KubeResource | null;
  /** The projections of a kind, also of one that has no element. */
  objects(kind: string): KubernetesObject[];
  /** A command about any resource, also one without an element. */
  command(
    name: CommandName,
    args: CommandArguments | undefined,
    options: CommandOptions & { target: CommandTarget },
  ): Promise<CommandResult>;
  can(name: CommandName, target: CommandTarget): Promise<boolean>;
  /** Tries to connect now instead of waiting for the next attempt. */
  reconnect(): void;
  /** Closes the connection until the element is put into a document again, or `reconnect()` is called. */
  disconnect(): void;
}

export type CommandName = 'restartPod' | 'deletePod' | 'restartDeployment' | (string & {});

// --- Events ----------------------------------------------------------------------------------------------------------

/**
 * Something that happened to a resource. It is dispatched on the resource's element (on its namespace's or the cluster's when
 * that has none) and bubbles to `document`.
 *
 * Three kinds are cancelable, for they have a default: the events of a failure that begins and `healingAwaitingApproval`, whose
 * default is what the page hangs on `kube:default` (on kubedom's own page, the modal), and `kube:beforecommand`, whose default is
 * that the command is sent.
 */
export class ClusterEvent<Detail = any> extends CustomEvent<Detail> {
  constructor(
    type: string,
    init: {
      id: string;
      time: string;
      resource: ResourceReference;
      detail: Detail;
      replayed?: boolean;
      severity?: string;
      incident?: WireIncident | null;
      cancelable?: boolean;
    },
  );
  /** The same on every page. */
  readonly id: string;
  /** RFC 3339, by the cluster's clock. */
  readonly time: string;
  /** It happened before this page, or its new connection, was there: open no modal, start no action. */
  readonly replayed: boolean;
  readonly severity: string;
  readonly incident: WireIncident | null;
  readonly resource: ResourceReference;
  /**
   * Puts the default off until the promise is settled; `preventDefault()` has its effect until then. Only while the event is
   * dispatched or something is still waited for. It does nothing where there is no default.
   */
  waitUntil(promise: PromiseLike<unknown>): void;
}

// --- Waiting for events ----------------------------------------------------------------------------------------------

export interface OnceOptions<Type = any> {
  /** Rejects the promise with its reason. */
  signal?: AbortSignal;
  /** Only an event for which this is true; what it throws rejects the promise. */
  filter?: (event: Type) => boolean;
}

/**
 * The next event of a type. The listener goes with it, and also when the promise is dropped before anybody waited for it; once
 * somebody waits, it stays as long as the target unless a `signal` ends it.
 */
export function once<Type extends keyof GlobalEventHandlersEventMap>(
  target: EventTarget,
  type: Type,
  options?: OnceOptions<GlobalEventHandlersEventMap[Type]>,
): Promise<GlobalEventHandlersEventMap[Type]>;
export function once<Type extends Event = any>(target: EventTarget, type: string, options?: OnceOptions<Type>): Promise<Type>;

export interface StreamOptions {
  /** Ends the loop with its reason. */
  signal?: AbortSignal;
  /** How many events may wait for the loop. Default: 1000. */
  max?: number;
  /** What happens to one more. Default: `drop-oldest`. */
  overflow?: 'drop-oldest' | 'drop-newest' | 'error';
}

export interface EventStream<Type> extends AsyncIterableIterator<Type> {
  /** How many events were left out because too many waited. */
  readonly dropped: number;
}

/**
 * The events of a type from now on: `for await (const event of stream(document, 'podFailed')) …`. The listener goes with the end of
 * the loop, however that comes, and also when the iterator is dropped.
 */
export function stream<Type extends keyof GlobalEventHandlersEventMap>(
  target: EventTarget,
  type: Type,
  options?: StreamOptions,
): EventStream<GlobalEventHandlersEventMap[Type]>;
export function stream<Type extends Event = any>(target: EventTarget, type: string, options?: StreamOptions): EventStream<Type>;

export interface FailureDetail {
  namespace?: string;
  container?: string;
  reason?: string;
  exitCode?: number;
  /** One sentence. */
  message?: string;
  nextStep?: string;
  restartHelps?: boolean;
  [field: string]: any;
}

/** Of a resource whose name comes under its kind: `podName`, `nodeName`, `statefulSetName`. */
export type DetailOf<Kind extends string> = FailureDetail & { [Field in `${Kind}Name`]: string };
export interface PodDetail extends DetailOf<'pod'> {}
export interface DeploymentDetail extends DetailOf<'deployment'> {}

/** The events of these types, all of resources of this kind. */
export type FailureEvents<Kind extends string, Types extends string> = {
  [Type in Types]: ClusterEvent<DetailOf<Kind>>;
};

/**
 * `podCreated`: one is new; not for those of a snapshot. `podDeleted`: one is gone; dispatched before its element is removed.
 */
export type LifecycleEvents<Kinds extends string> = {
  [Kind in Kinds as `${Kind}Created` | `${Kind}Deleted`]: ClusterEvent<DetailOf<Kind>>;
};

export interface HealingDetail {
  action: string;
  actionName: string;
  actionUid: string;
  namespace: string;
  target: ResourceReference;
  requestedBy: string;
  /** Why, in the words of whoever asked. */
  reason: string;
  /** Of `healingAwaitingApproval`: when it expires, RFC 3339. */
  until?: string;
  dryRun: boolean;
  phase: 'AwaitingApproval' | 'Running' | 'Succeeded' | 'Failed' | 'Denied' | 'Expired';
  message: string;
  [field: string]: any;
}

/** What a HealingPolicy decided about a failing object; on its element. */
export interface HealingDecisionDetail {
  policy: string;
  namespace: string;
  /** `Waiting` and `Acted` come as `healingPlanned`, `DryRun` and `Skipped` as `healingSkipped`. */
  decision: 'Waiting' | 'Acted' | 'DryRun' | 'Skipped';
  /** One word, as `Cooldown`, `StormBrake`, `Vetoed`; docs/policies.md lists them. */
  reason: string;
  message: string;
  incident: string;
  action: string;
  /** The HealingAction, once there is one. */
  actionName: string;
  [field: string]: any;
}

export interface ConnectionStatus {
  /**
   * `live`: what is shown is so. `stale`: a heartbeat was missed. `offline`: no connection. `connecting`: being filled for the
   * first time, or anew after a resync.
   */
  state: 'live' | 'stale' | 'offline' | 'connecting';
  /** One word: `signed-out`, `unreachable`, `version`, … */
  reason: string;
  /** A sentence. */
  message: string;
  /** Since when the state holds, in milliseconds since the epoch. */
  since: number;
  /** No further attempt is made. */
  final: boolean;
  /** When the next attempt is made. */
  retryAt: number | null;
}

export interface ChangeDetail {
  added: KubeResource[];
  changed: KubeResource[];
  removed: KubeResource[];
}

/** What is about to be sent; a listener may change all but the name. */
export interface BeforeCommandDetail extends Omit<CommandOptions, 'signal'> {
  readonly name: CommandName;
  args: CommandArguments;
  idempotencyKey: string;
}

declare global {
  interface HTMLElementTagNameMap {
    'kube-cluster': KubeCluster;
    'kube-namespace': KubeNamespace;
    'kube-deployment': KubeDeployment;
    'kube-statefulset': KubeStatefulSet;
    'kube-daemonset': KubeDaemonSet;
    'kube-replicaset': KubeReplicaSet;
    'kube-job': KubeJob;
    'kube-cronjob': KubeCronJob;
    'kube-pod': KubePod;
    'kube-node': KubeNode;
  }

  /** `document`, `window` and every HTML element take their types from here. */
  interface GlobalEventHandlersEventMap
    extends FailureEventMap,
      LifecycleEvents<
        'pod' | 'deployment' | 'statefulSet' | 'daemonSet' | 'replicaSet' | 'job' | 'cronJob' | 'node' | 'namespace'
      > {
    /** After the specific event of every failure. Cancelable. */
    'resource-failed': ClusterEvent<FailureDetail>;
    /** After the specific event of every recovery; alone, and `replayed`, for one that a resync found. */
    'resource-recovered': ClusterEvent<FailureDetail>;

    /** What a HealingPolicy is going to do about a failing object, or why it does nothing. */
    healingPlanned: ClusterEvent<HealingDecisionDetail>;
    healingSkipped: ClusterEvent<HealingDecisionDetail>;

    /** The phases of an action, on its target's element. `healingFailed` also tells that it was denied or has expired. */
    healingAwaitingApproval: ClusterEvent<HealingDetail>;
    healingStarted: ClusterEvent<HealingDetail>;
    healingSucceeded: ClusterEvent<HealingDetail>;
    healingFailed: ClusterEvent<HealingDetail>;

    /** An open incident has news (another reason, another count) under the same event type. */
    'kube:incidentchange': ClusterEvent<FailureDetail>;
    /** Once for all that was applied in one go; on the cluster's element. */
    'kube:change': CustomEvent<ChangeDetail>;
    /** The connection's state changed; on the cluster's element. */
    'kube:status': CustomEvent<ConnectionStatus>;
    /** A gap was closed by reading everything again; on the cluster's element. Events in the gap were missed. */
    'kube:resync': CustomEvent<{}>;
    /** A command is about to be sent; on its target's element. Cancelable: `preventDefault()` keeps it back. */
    'kube:beforecommand': ClusterEvent<BeforeCommandDetail>;
    /** A failure that is news, or an action that waits for approval, which nobody prevented; on the cluster's element, not bubbling. */
    'kube:default': CustomEvent<{ event: ClusterEvent<FailureDetail | HealingDetail> }>;
    /** The bridge complained about something that was no command. */
    'kube:error': CustomEvent<{ code: string; message: string }>;
  }
}

// --- Messages of the protocol ----------------------------------------------------------------------------------------

/** Exactly as the schema of the protocol has them, for whoever writes another client. */
export type { wire };

/** @internal */
type FieldOf<Message> = Message extends unknown ? keyof Message : never;
/** @internal */
type TypeOf<Message, Field> = Message extends unknown ? (Field extends keyof Message ? Message[Field] : never) : never;

/**
 * Any of these messages as it arrives: a bridge may be newer or older than the page, so only the fields that are named have
 * been looked at. Which of the others it has depends on what it is, and none may be relied on.
 *
 * @internal
 */
type Arrived<Message, Checked extends FieldOf<Message>> = {
  [Field in Checked]: TypeOf<Message, Field>;
} & {
  [Field in Exclude<FieldOf<Message>, Checked>]?: TypeOf<Message, Field>;
};

/** What the SDK notes on an entry that it has read. @internal */
interface Noted {
  replayed?: boolean;
}

export type WireIncident = wire.Incident;

/** @internal */
export type StateEntry = Arrived<wire.StateEntry | wire.DeleteEntry, 'op' | 'kind' | 'uid'> & Noted;

/** @internal */
export type EventEntry = Arrived<wire.EventEntry, 'op' | 'type' | 'kind' | 'uid'> & Noted;

/** One of a later version has another `op`. @internal */
export type Entry = StateEntry | EventEntry | (Omit<Arrived<wire.Entry, 'kind'>, 'op'> & Noted & { op: string });

/** Any message of the bridge; one of a later version has another `type`. @internal */
export type ServerMessage = Omit<Arrived<wire.ServerMessage, never>, 'type'> & { type: string };

/** @internal */
export type HelloMessage = ServerMessage;
