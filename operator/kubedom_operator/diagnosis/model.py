"""What diagnosis takes and gives: plain values, no clocks and no connections."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from kubedom_operator.projection import Deployment, EndpointSlice, Event, Job, Node, Pod, StorageClass, seconds

Severity = Literal["critical", "error", "warning", "info"]
DetailValue = str | int | float | bool | None | list[str]


class FailureKind(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalogue.

    `event` is dispatched when such a failure begins and `recovery_event` when it is over (empty for an edge, which is
    over at once). Failures of one object, container and `family` are one trouble: a change of kind inside a family is
    an update of the incident, never a second one. `hold` is how many seconds the rule must hold first.
    `restart_helps` is advice to people; `restart_futile` says why a restart cannot mend it, and is empty where it may.
    `speaks_of` are the kinds of other objects that it tells of: whoever may not list these is not told of it.
    """

    name: str
    resource: str
    family: str
    event: str
    recovery_event: str
    severity: Severity
    rule: str
    next_step: str
    restart_helps: bool = False
    restart_futile: str = ""
    hold: float = 0.0
    edge: bool = False
    detail_fields: tuple[str, ...] = ()
    speaks_of: tuple[str, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failure that an object shows.

    `message` is a sentence for people. `since` comes from the object's own timestamps and is None where it has none.
    `hold` and `progress` matter for a pending failure only: whoever keeps time must see it for `hold` seconds, and
    starts anew when `progress` changes, for then something moves after all.
    """

    kind: str
    container: str = ""
    role: str = ""
    reason: str = ""
    message: str = ""
    severity: Severity = "error"
    since: float | None = None
    hold: float = 0.0
    progress: str = ""
    detail: dict[str, DetailValue] = {}


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one object now.

    `failures` hold. `pending` would hold if they were seen for their `hold` seconds; the object has no timestamp to
    tell. `recheck` is the next moment at which the answer may change without a change of the object. `notes` are states
    worth showing that are no failures (`SchedulingGated`, `Paused`, `ScaledToZero`). With `observing` the controller
    has not looked at the newest spec yet: there is no verdict, and what was known before stands.
    """

    failures: tuple[Failure, ...] = ()
    recheck: float | None = None
    pending: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    observing: bool = False


HEALTHY = Diagnosis()
OBSERVING = Diagnosis(observing=True)

#: Conditions of node-problem-detector and what they mean when True; types that nobody knows are info.
NODE_CONDITIONS: Mapping[str, Severity] = {
    "KernelDeadlock": "critical",
    "ReadonlyFilesystem": "critical",
    "XfsShutdown": "critical",
    "CperHardwareErrorFatal": "critical",
    "ContainerRuntimeUnhealthy": "error",
    "ContainerRuntimeProblem": "error",
    "KubeletUnhealthy": "error",
    "KubeletProblem": "error",
    "CorruptDockerOverlay2": "error",
    "FrequentKubeletRestart": "warning",
    "FrequentDockerRestart": "warning",
    "FrequentContainerdRestart": "warning",
    "FrequentUnregisterNetDevice": "warning",
    "NTPProblem": "warning",
    "DNSProblem": "warning",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator's owner may tune.

    `holds` overrides a kind's hold by its name. `stable_min` and `stable_max` bound how long a restarted container
    must run before its failure is over; the kubelet forgets its back-off after ten minutes. `node_conditions` gives
    the severity of a node's non-standard conditions, `ignored_node_conditions` those that are True on healthy nodes.
    """

    holds: Mapping[str, float] = {}
    stable_min: float = 10.0
    stable_max: float = 600.0
    rollout_without_deadline: float = 600.0
    node_conditions: Mapping[str, Severity] = msgspec.field(default_factory=lambda: NODE_CONDITIONS)
    ignored_node_conditions: frozenset[str] = frozenset({"EtcdIsVoter"})


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the object; all of it may be missing, as status decides.

    `events` are the core Events of the object. `consumers` are the pods that use a claim, `storage_class` its class.
    `jobs` are those that a cron job owns. `owner` is the deployment of a replica set, `node` that of a pod.
    `slices` are a service's endpoint slices and `pods` the pods that its selector matches. `draining` says that a drain
    waits for a disruption budget. None means not known, an empty sequence that there are none.
    """

    events: Sequence[Event] = ()
    consumers: Sequence[Pod] | None = None
    storage_class: StorageClass | None = None
    jobs: Sequence[Job] | None = None
    owner: Deployment | None = None
    node: Node | None = None
    slices: Sequence[EndpointSlice] | None = None
    pods: Sequence[Pod] | None = None
    draining: bool = False


NOTHING_RELATED = Related()


class Verdict:
    """Gathers the failures of one object and applies their hold times."""

    __slots__ = ("failures", "notes", "now", "pending", "recheck", "settings")

    def __init__(self, now: float, settings: Settings) -> None:
        self.now = now
        self.settings = settings
        self.failures: list[Failure] = []
        self.pending: list[Failure] = []
        self.notes: list[str] = []
        self.recheck: float | None = None

    def look_again(self, moment: float) -> None:
        """Ask to be called again at that moment, if it is still to come."""
        if moment > self.now and (self.recheck is None or moment < self.recheck):
            self.recheck = moment

    def past(self, text: str | None) -> float | None:
        """Read a timestamp; one that lies ahead of our clock says nothing and counts as absent."""
        moment = seconds(text)
        return None if moment is not None and moment > self.now else moment

    def add(
        self,
        kind: FailureKind,
        message: str,
        *,
        since: float | None = None,
        reason: str | None = "",
        container: str = "",
        role: str = "",
        severity: Severity | None = None,
        hold: float | None = None,
        progress: str = "",
        detail: dict[str, DetailValue] | None = None,
    ) -> bool:
        """Report a failure; True if it holds already, False if its hold time still runs."""
        wait = self.settings.holds.get(kind.name)
        if wait is None:
            wait = kind.hold if hold is None else hold
        if since is not None and (since > self.now or not math.isfinite(since)):
            # A clock that is ahead of ours: the object has no timestamp to rely on.
            since = None
        failure = Failure(
            kind=kind.name,
            container=container,
            role=role,
            reason=reason or "",
            message=message,
            severity=severity or kind.severity,
            since=since,
            hold=wait,
            progress=progress,
            detail={key: value for key, value in (detail or {}).items() if value not in (None, "", [])},
        )
        if wait <= 0:
            self.failures.append(failure)
            return True
        if since is None:
            self.pending.append(failure)
            return False
        if since + wait > self.now:
            self.look_again(since + wait)
            return False
        self.failures.append(failure)
        return True

    def diagnosis(self) -> Diagnosis:
        """What was gathered."""
        if not (self.failures or self.pending or self.notes) and self.recheck is None:
            return HEALTHY
        return Diagnosis(
            failures=tuple(self.failures),
            recheck=self.recheck,
            pending=tuple(self.pending),
            notes=tuple(self.notes),
        )
