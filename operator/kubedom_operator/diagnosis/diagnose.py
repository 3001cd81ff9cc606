"""The way in: any projection, what is related to it, and a moment; out come its failures.

Nothing here raises. A rule that meets what it cannot handle leaves its object without a verdict, is logged once for the
kind of object and kind of fault, and counted by whoever looks at `faults`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from kubedom_operator.projection import (
    CronJob,
    DaemonSet,
    Deployment,
    HorizontalPodAutoscaler,
    Job,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    Service,
    StatefulSet,
)

from .autoscaling import diagnose_autoscaler, diagnose_budget
from .batch import diagnose_cron_job, diagnose_job
from .model import HEALTHY, OBSERVING, Diagnosis, Related, Settings
from .namespaces import diagnose_namespace
from .nodes import diagnose_node
from .pods import diagnose_pod
from .services import diagnose_service
from .storage import diagnose_claim, diagnose_volume
from .workloads import diagnose_daemon_set, diagnose_deployment, diagnose_replica_set, diagnose_stateful_set

Rules = Callable[[Any, Related, float, Settings], Diagnosis]

_RULES: dict[type[Any], Rules] = {
    Pod: diagnose_pod,
    Deployment: diagnose_deployment,
    ReplicaSet: diagnose_replica_set,
    StatefulSet: diagnose_stateful_set,
    DaemonSet: diagnose_daemon_set,
    Job: diagnose_job,
    CronJob: diagnose_cron_job,
    HorizontalPodAutoscaler: diagnose_autoscaler,
    PodDisruptionBudget: diagnose_budget,
    Node: diagnose_node,
    PersistentVolumeClaim: diagnose_claim,
    PersistentVolume: diagnose_volume,
    Namespace: diagnose_namespace,
    Service: diagnose_service,
}

_log = logging.getLogger(__name__)

#: How often a rule could not handle an object, by (kind of object, type of the error).
faults: dict[tuple[str, str], int] = {}


def diagnose(obj: Any, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with an object at a moment (seconds since the epoch); never raises."""
    rules = _RULES.get(type(obj))
    if rules is None:
        return HEALTHY
    try:
        return rules(obj, related, now, settings)
    except Exception as error:  # the last line of defence: one odd object must not stop the diagnosis of all others
        key = (type(obj).__name__, type(error).__name__)
        faults[key] = faults.get(key, 0) + 1
        if faults[key] == 1:
            _log.exception("A rule cannot handle %s %s", key[0], getattr(obj.metadata, "name", ""))
        return OBSERVING
