// Generated from docs/kubedom.v1.schema.json by `tests/browser/check-types.sh --write`: do not edit it.

/**
 * Any message of the socket. A reader ignores messages and fields that it does not know.
 */
export type Message = ClientMessage | ServerMessage;
/**
 * What a page sends.
 */
export type ClientMessage = Subscribe | Unsubscribe | Token | Command | Can | Seen;
/**
 * What a page is sent.
 */
export type ServerMessage =
  Hello | Snapshot | SnapshotEnd | Changes | Heartbeat | Resync | Ack | Result | Verdicts | ErrorMessage;
/**
 * What happened, see docs/failures.md; `<kind>Removed` ends what was open of an object.
 */
export type EventType =
  | (
      | 'autoscalerFailed'
      | 'autoscalerMaxedOut'
      | 'autoscalerMetricsFailed'
      | 'autoscalerRecovered'
      | 'claimLost'
      | 'claimPending'
      | 'claimRecovered'
      | 'claimResizeFailed'
      | 'cronJobFailed'
      | 'cronJobRecovered'
      | 'daemonSetPodsFailing'
      | 'daemonSetPodsRecovered'
      | 'daemonSetRecovered'
      | 'daemonSetStuck'
      | 'deploymentDegraded'
      | 'deploymentPodsFailing'
      | 'deploymentPodsRecovered'
      | 'deploymentRecovered'
      | 'deploymentReplicaFailure'
      | 'deploymentStalled'
      | 'deploymentUnavailable'
      | 'disruptionBudgetBlocked'
      | 'disruptionBudgetRecovered'
      | 'disruptionBudgetUnhealthy'
      | 'healingAwaitingApproval'
      | 'healingFailed'
      | 'healingPlanned'
      | 'healingSkipped'
      | 'healingStarted'
      | 'healingSucceeded'
      | 'jobFailed'
      | 'jobPodsFailing'
      | 'jobPodsRecovered'
      | 'jobRecovered'
      | 'jobRetrying'
      | 'jobStuck'
      | 'namespaceRecovered'
      | 'namespaceStuck'
      | 'nodeCordoned'
      | 'nodeNotReady'
      | 'nodePressure'
      | 'nodeProblem'
      | 'nodeRecovered'
      | 'nodeUncordoned'
      | 'nodeWarning'
      | 'podConfigFailed'
      | 'podCrashLooping'
      | 'podDisrupted'
      | 'podFailed'
      | 'podImagePullFailed'
      | 'podInitFailed'
      | 'podLivenessKilled'
      | 'podNotReady'
      | 'podOutOfMemory'
      | 'podPendingTooLong'
      | 'podRecovered'
      | 'podResizeFailed'
      | 'podRestarted'
      | 'podSandboxFailed'
      | 'podStartupSlow'
      | 'podStuckTerminating'
      | 'podUnknown'
      | 'podUnschedulable'
      | 'podVolumeMountFailed'
      | 'replicaSetFailed'
      | 'replicaSetPodsFailing'
      | 'replicaSetPodsRecovered'
      | 'replicaSetRecovered'
      | 'serviceLoadBalancerPending'
      | 'serviceNoEndpoints'
      | 'serviceRecovered'
      | 'statefulSetPodsFailing'
      | 'statefulSetPodsRecovered'
      | 'statefulSetRecovered'
      | 'statefulSetStuck'
      | 'volumeFailed'
      | 'volumeRecovered'
      | 'volumeReleased'
    )
  | string;
/**
 * A state or an event, as the journal has it.
 */
export type Entry = StateEntry | DeleteEntry | EventEntry;

/**
 * Ask for a snapshot and what follows it, or with `since` for what was missed.
 *
 * One socket can have several subscriptions, told apart by `id`; a second of the same id takes the first's place.
 */
export interface Subscribe {
  type: 'subscribe';
  id?: string;
  filter?: Filter;
  /**
   * What was received completely.
   */
  since?: Position | null;
}
/**
 * What a page wants to hear of; an empty list or text means everything.
 */
export interface Filter {
  namespaces?: string[];
  kinds?: string[];
  /**
   * Filters events only.
   */
  types?: string[];
  /**
   * Written as for `kubectl --selector`; an event counts by its object's labels.
   */
  labelSelector?: string;
  /**
   * Only the events of failures are told, and no states.
   */
  openIncidents?: boolean;
  /**
   * Events are told, and no states.
   */
  eventsOnly?: boolean;
}
/**
 * A place in one journal: sequences of different epochs cannot be compared.
 */
export interface Position {
  epoch: string;
  sequence: number;
}
/**
 * End one subscription; the socket stays open for the others.
 */
export interface Unsubscribe {
  type: 'unsubscribe';
  id?: string;
}
/**
 * Renew the bearer token of this connection in place; it must be the same user's.
 */
export interface Token {
  type: 'token';
  token: string;
}
/**
 * Start an action.
 */
export interface Command {
  type: 'command';
  /**
   * Chosen by the page; the answers name it.
   */
  id: string;
  /**
   * What to do, as `restartPod`.
   */
  name: string;
  target: Target;
  /**
   * A second command with the same key is the same action.
   */
  idempotencyKey?: string;
  /**
   * Why, for those who read the action later.
   */
  reason?: string;
  /**
   * What it needs beside its target, by name.
   */
  parameters?: {
    [k: string]: any;
  };
  /**
   * Only say what would be changed.
   */
  dryRun?: boolean;
}
/**
 * The object that a command acts on.
 */
export interface Target {
  kind: string;
  name: string;
  namespace?: string;
  /**
   * Makes it this object and no later one of the same name.
   */
  uid?: string;
}
/**
 * Ask what the user may do, for greying out; whether it is done is decided when it is asked for.
 */
export interface Can {
  type: 'can';
  /**
   * Chosen by the page; the answer names it.
   */
  id: string;
  /**
   * @maxItems 100
   */
  questions: Question[];
}
/**
 * Whether an action may be started on a target.
 */
export interface Question {
  /**
   * What to do, as in a command.
   */
  name: string;
  target: Target;
}
/**
 * Say that the listeners have been told of events which have a `traceparent`; there is no answer.
 */
export interface Seen {
  type: 'seen';
  /**
   * @maxItems 100
   */
  traceparents: string[];
}
/**
 * The first message, and the answer to a `token` message.
 */
export interface Hello {
  type: 'hello';
  protocol: string;
  /**
   * This run of the journal.
   */
  epoch: string;
  /**
   * The journal's newest sequence.
   */
  head: number;
  /**
   * Seconds; half as much again without a message means a dead connection.
   */
  heartbeat: number;
  cluster: ClusterInfo;
  user: UserInfo;
  limits: Limits;
  /**
   * Left out where the sign-in has no end.
   */
  tokenExpires?: string;
}
/**
 * Which cluster is shown.
 */
export interface ClusterInfo {
  name: string;
  version: string;
}
/**
 * Who the bridge takes the page for.
 */
export interface UserInfo {
  name: string;
}
/**
 * What a page has to keep to.
 */
export interface Limits {
  maxMessageBytes: number;
  commandsPerSecond: number;
}
/**
 * A part of all that is known; what a page shows and no part has is gone.
 */
export interface Snapshot {
  type: 'snapshot';
  /**
   * The `id` of the subscription, where it has one.
   */
  subscription?: string;
  entries?: StateEntry[];
  /**
   * Every failure that is open, `replayed`.
   */
  incidents?: EventEntry[];
}
/**
 * An object as it is now.
 */
export interface StateEntry {
  op: 'upsert';
  kind: string;
  uid: string;
  namespace?: string;
  /**
   * The API server's; it can be compared for equality only.
   */
  resourceVersion?: string;
  /**
   * RFC 3339 in UTC.
   */
  time: string;
  /**
   * The place in the journal: of two entries the later one has the greater.
   */
  sequence?: number;
  /**
   * The allow-listed projection in Kubernetes' own shape.
   */
  object: KubernetesObject;
  /**
   * Of a pod: the columns that kubectl prints.
   */
  display?: Display;
  /**
   * Of a pod: what it belongs to.
   */
  workload?: Workload;
}
/**
 * A resource in Kubernetes' own shape, with the fields that kubedom lets out.
 */
export interface KubernetesObject {
  metadata?: Metadata;
  spec?: {
    [k: string]: any;
  };
  status?: {
    [k: string]: any;
  };
}
/**
 * The identity of an object; annotations and managedFields are left out on purpose.
 */
export interface Metadata {
  name?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: {
    [k: string]: string;
  };
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
}
/**
 * Who made an object.
 */
export interface OwnerReference {
  apiVersion?: string;
  kind?: string;
  name?: string;
  uid?: string;
  controller?: boolean;
}
/**
 * The columns that `kubectl get pods` prints.
 */
export interface Display {
  status: string;
  ready: number;
  total: number;
  restarts: number;
}
/**
 * What a pod belongs to.
 */
export interface Workload {
  kind: string;
  name: string;
  uid?: string;
}
/**
 * What happened, with CloudEvents' attributes: `specversion`, `id`, `source`, `type`, `subject`, `time`.
 */
export interface EventEntry {
  op: 'event';
  specversion?: '1.0';
  type: EventType;
  kind: string;
  uid: string;
  namespace?: string;
  /**
   * The API server's; it can be compared for equality only.
   */
  resourceVersion?: string;
  /**
   * RFC 3339 in UTC.
   */
  time: string;
  /**
   * The place in the journal: of two entries the later one has the greater.
   */
  sequence?: number;
  id?: string;
  source: string;
  subject: string;
  severity?: 'critical' | 'error' | 'info' | 'warning';
  incident?: Incident;
  /**
   * More of it; docs/failures.md has the fields of each type.
   */
  detail: {
    [k: string]: any;
  };
  /**
   * The other kinds that it tells of; who may not list these is not told of it.
   */
  speaksOf?: string[];
  /**
   * W3C Trace Context, where this event is traced; a page answers it with `seen`.
   */
  traceparent?: string;
  /**
   * It is told late: open no modal, start no action.
   */
  replayed?: boolean;
}
/**
 * The failure that an event begins, changes or ends.
 */
export interface Incident {
  id: string;
  /**
   * Which failure: a row of the failure catalogue, as `ContainerCrashLoop`.
   */
  kind: string;
  phase: 'begin' | 'end' | 'update';
  /**
   * RFC 3339 in UTC.
   */
  since: string;
  container?: string;
  /**
   * The id of the workload's incident that a pod's failure is part of, open or not.
   */
  group?: string;
}
/**
 * The snapshot is complete and speaks up to this sequence.
 */
export interface SnapshotEnd {
  type: 'snapshotEnd';
  /**
   * The `id` of the subscription, where it has one.
   */
  subscription?: string;
  epoch: string;
  sequence: number;
}
/**
 * What happened, in sequence order.
 */
export interface Changes {
  type: 'changes';
  /**
   * The `id` of the subscription, where it has one.
   */
  subscription?: string;
  entries?: Entry[];
}
/**
 * An object is gone.
 */
export interface DeleteEntry {
  op: 'delete';
  kind: string;
  uid: string;
  namespace?: string;
  name: string;
  /**
   * The API server's; it can be compared for equality only.
   */
  resourceVersion?: string;
  /**
   * RFC 3339 in UTC.
   */
  time: string;
  /**
   * The place in the journal: of two entries the later one has the greater.
   */
  sequence?: number;
}
/**
 * The connection lives.
 */
export interface Heartbeat {
  type: 'heartbeat';
  /**
   * The journal's newest sequence.
   */
  head: number;
  /**
   * How many seconds kubedom is behind the cluster, told from one second on.
   */
  lag?: number;
}
/**
 * What was missed cannot be replayed, or what may be seen has changed; a snapshot follows.
 */
export interface Resync {
  type: 'resync';
  /**
   * The `id` of the subscription, where it has one.
   */
  subscription?: string;
  reason: string;
}
/**
 * The HealingAction of a command exists.
 */
export interface Ack {
  type: 'ack';
  id: string;
  action: ActionInfo;
}
/**
 * The HealingAction of a command.
 */
export interface ActionInfo {
  namespace: string;
  name: string;
  uid: string;
  /**
   * Not where the same command had made it before.
   */
  created?: boolean;
}
/**
 * The HealingAction of a command is finished.
 */
export interface Result {
  type: 'result';
  id: string;
  phase: 'Denied' | 'Expired' | 'Failed' | 'Succeeded';
  message?: string;
}
/**
 * The answers to a `can` message, in the order of its questions.
 */
export interface Verdicts {
  type: 'verdicts';
  id: string;
  allowed: boolean[];
}
/**
 * A message could not be carried out.
 */
export interface ErrorMessage {
  type: 'error';
  /**
   * The command's; without it the message could not be read.
   */
  id?: string;
  /**
   * One word for scripts.
   */
  code: string;
  /**
   * Sentences for people.
   */
  message: string;
  /**
   * The part of the message at fault.
   */
  field?: string;
}
/**
 * Why the bridge closed the socket.
 */
export type CloseCode = 1012 | 1013 | 4400 | 4401 | 4403 | 4406 | 4408 | 4409 | 4429;
