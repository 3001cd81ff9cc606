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
  /** What the command needs beside its target, as `{ until: '2030-01-31T12:00:00Z' }` for `vetoHealing`. */
  parameters?: Record<string, unknown>;
  /** Two commands with one key are one action. Default: a random key. */
  idempotencyKey?: string;
  /** Stops waiting for the result; what was sent is done all the same. */
  signal?: AbortSignal;
}

export type CommandTarget = wire.Target;

export interface CommandResult {
  phase: 'Succeeded';
  message: string;
  /** The HealingAction that did it. */
  action: Arrived<wire.ActionInfo, 'name' | 'namespace'> | null;
}

/**
 * Why a command did not succeed.
 *
 * Codes of the page: `offline` (not sent), `disconnected` (sent, no answer), `unknown` (acknowledged, the result was missed),
 * `targetGone`; codes of the bridge: `forbidden`, `targetGone`, `unknownCommand`, …; `failed` when the action itself failed.
 */
export class CommandError extends Error {
  constructor(code: string, message: string, field?: string);
  readonly code: string;
  readonly field: string | undefined;
}

/** Attributes: `kind`, `name`, `namespace`, `uid`, `phase`, `status`, `ready`, `restarts`, `incident`, as far as they apply. */
export class KubeResource extends HTMLElement {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly object: KubernetesObject | null;
  readonly incidents: readonly Incident[];
  command(name: CommandName, options?: CommandOptions): Promise<CommandResult>;
}

export class KubePod extends KubeResource {
  /** The workload that the pod belongs to, also while that has no element. */
  readonly workload: { kind: string; name: string; uid?: string } | null;
}

/** A workload of any kind; the attribute `kind` says which. */
export class KubeDeployment extends KubeResource {}

export class KubeNamespace extends KubeResource {}

export class KubeCluster extends HTMLElement {
  readonly status: ConnectionStatus;
  readonly info: { name: string; version: string };
  readonly user: string;
  /** All that are open in the cluster. */
  readonly incidents: Incident[];
  resource(uid: string): KubeResource | null;
  objects(kind: string): KubernetesObject[];
  command(name: CommandName, options: CommandOptions & { target: CommandTarget }): Promise<CommandResult>;
  reconnect(): void;
  disconnect(): void;
}

export type CommandName = 'restartPod' | 'deletePod' | 'restartDeployment' | (string & {});

// --- Events ----------------------------------------------------------------------------------------------------------

/**
 * Something that happened to a resource. It is dispatched on the resource's element (on its namespace's or the cluster's when
 * that has none) and bubbles to `document`.
 *
 * A failure's events are cancelable, and so is `healingAwaitingApproval`. Their default is what the page hangs on `kube:default`:
 * on kubedom's own page, the modal.
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
}

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

export interface PodDetail extends FailureDetail {
  podName: string;
}

export interface DeploymentDetail extends FailureDetail {
  deploymentName: string;
}

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

declare global {
  interface HTMLElementTagNameMap {
    'kube-cluster': KubeCluster;
    'kube-namespace': KubeNamespace;
    'kube-deployment': KubeDeployment;
    'kube-pod': KubePod;
  }

  /** `document`, `window` and every HTML element take their types from here. */
  interface GlobalEventHandlersEventMap extends FailureEventMap {
    /** After the specific event of every failure. Cancelable. */
    'resource-failed': ClusterEvent<FailureDetail>;
    /** After the specific event of every recovery; alone, and `replayed`, for one that a resync found. */
    'resource-recovered': ClusterEvent<FailureDetail>;

    /** A pod is new; not for those of a snapshot. */
    podCreated: ClusterEvent<PodDetail>;
    /** A pod is gone; dispatched before its element is removed. */
    podDeleted: ClusterEvent<PodDetail>;
    deploymentCreated: ClusterEvent<DeploymentDetail>;
    deploymentDeleted: ClusterEvent<DeploymentDetail>;

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
    /** A failure that is news, or an action that waits for approval, which nobody prevented; on the cluster's element, not bubbling. */
    'kube:default': CustomEvent<{ event: ClusterEvent<FailureDetail | HealingDetail> }>;
    /** The bridge complained about something that was no command. */
    'kube:error': CustomEvent<{ code: string; message: string }>;
  }
}

// --- Messages of the protocol ----------------------------------------------------------------------------------------

/** Exactly as the schema of the protocol has them, for whoever writes another client. */
export type { wire };

type FieldOf<Message> = Message extends unknown ? keyof Message : never;
type TypeOf<Message, Field> = Message extends unknown ? (Field extends keyof Message ? Message[Field] : never) : never;

/**
 * Any of these messages as it arrives: a bridge may be newer or older than the page, so only the fields that are named have
 * been looked at. Which of the others it has depends on what it is, and none may be relied on.
 */
type Arrived<Message, Checked extends FieldOf<Message>> = {
  [Field in Checked]: TypeOf<Message, Field>;
} & {
  [Field in Exclude<FieldOf<Message>, Checked>]?: TypeOf<Message, Field>;
};

/** What the SDK notes on an entry that it has read. */
interface Noted {
  replayed?: boolean;
}

export type WireIncident = wire.Incident;

export type StateEntry = Arrived<wire.StateEntry | wire.DeleteEntry, 'op' | 'kind' | 'uid'> & Noted;

export type EventEntry = Arrived<wire.EventEntry, 'op' | 'type' | 'kind' | 'uid'> & Noted;

/** One of a later version has another `op`. */
export type Entry = StateEntry | EventEntry | (Omit<Arrived<wire.Entry, 'kind'>, 'op'> & Noted & { op: string });

/** Any message of the bridge; one of a later version has another `type`. */
export type ServerMessage = Omit<Arrived<wire.ServerMessage, never>, 'type'> & { type: string };

export type HelloMessage = ServerMessage;
