// Generated from the catalogue of failures by `python -m kubedom_operator.diagnosis.catalogue_page`: do not edit it.
import type { FailureEvents } from './index.js';

/** The events of docs/failures.md. Those of kinds without an element are dispatched on the namespace's or cluster's. */
export interface FailureEventMap
  extends FailureEvents<
      'pod',
      'podOutOfMemory'
      | 'podRecovered'
      | 'podConfigFailed'
      | 'podLivenessKilled'
      | 'podCrashLooping'
      | 'podFailed'
      | 'podInitFailed'
      | 'podImagePullFailed'
      | 'podStartupSlow'
      | 'podDisrupted'
      | 'podUnknown'
      | 'podStuckTerminating'
      | 'podUnschedulable'
      | 'podVolumeMountFailed'
      | 'podSandboxFailed'
      | 'podPendingTooLong'
      | 'podNotReady'
      | 'podResizeFailed'
      | 'podRestarted'
    >,
    FailureEvents<
      'deployment',
      'deploymentReplicaFailure'
      | 'deploymentRecovered'
      | 'deploymentStalled'
      | 'deploymentUnavailable'
      | 'deploymentDegraded'
      | 'deploymentPodsFailing'
      | 'deploymentPodsRecovered'
    >,
    FailureEvents<
      'replicaSet',
      'replicaSetFailed'
      | 'replicaSetRecovered'
      | 'replicaSetPodsFailing'
      | 'replicaSetPodsRecovered'
    >,
    FailureEvents<
      'statefulSet',
      'statefulSetStuck'
      | 'statefulSetRecovered'
      | 'statefulSetPodsFailing'
      | 'statefulSetPodsRecovered'
    >,
    FailureEvents<
      'daemonSet',
      'daemonSetStuck'
      | 'daemonSetRecovered'
      | 'daemonSetPodsFailing'
      | 'daemonSetPodsRecovered'
    >,
    FailureEvents<
      'job',
      'jobPodsFailing'
      | 'jobPodsRecovered'
      | 'jobFailed'
      | 'jobRecovered'
      | 'jobRetrying'
      | 'jobStuck'
    >,
    FailureEvents<
      'cronJob',
      'cronJobFailed'
      | 'cronJobRecovered'
    >,
    FailureEvents<
      'horizontalPodAutoscaler',
      'autoscalerFailed'
      | 'autoscalerRecovered'
      | 'autoscalerMetricsFailed'
      | 'autoscalerMaxedOut'
    >,
    FailureEvents<
      'podDisruptionBudget',
      'disruptionBudgetUnhealthy'
      | 'disruptionBudgetRecovered'
      | 'disruptionBudgetBlocked'
    >,
    FailureEvents<
      'node',
      'nodeNotReady'
      | 'nodeRecovered'
      | 'nodePressure'
      | 'nodeProblem'
      | 'nodeCordoned'
      | 'nodeUncordoned'
      | 'nodeWarning'
    >,
    FailureEvents<
      'persistentVolumeClaim',
      'claimPending'
      | 'claimRecovered'
      | 'claimLost'
      | 'claimResizeFailed'
    >,
    FailureEvents<
      'persistentVolume',
      'volumeFailed'
      | 'volumeRecovered'
      | 'volumeReleased'
    >,
    FailureEvents<
      'namespace',
      'namespaceStuck'
      | 'namespaceRecovered'
    >,
    FailureEvents<
      'service',
      'serviceLoadBalancerPending'
      | 'serviceRecovered'
      | 'serviceNoEndpoints'
    > {}
