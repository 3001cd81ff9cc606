"""The values that a decision is made of: plain, without clocks and connections.

Moments are seconds since the epoch, durations seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from kubedom_bridge.selector import Selector

Outcome = Literal["Act", "DryRun", "Waiting", "Skipped"]


class Ref(NamedTuple):
    """An object in the policy's namespace; `uid` is empty where it is not known."""

    kind: str
    name: str
    uid: str = ""

    @property
    def key(self) -> str:
        """Name it without its uid, which a pod does not tell of its deployment."""
        return f"{self.kind}/{self.name}"


class Step(NamedTuple):
    """One action of an escalation, and how long it has to show that it helps."""

    action: str
    parameters: Mapping[str, Any]
    timeout: float


class Backoff(NamedTuple):
    """How the cooldown grows from one run to the next, and up to what."""

    factor: float
    longest: float


class Limit(NamedTuple):
    """At most `most` actions of a policy within `window`."""

    most: int
    window: float


class Storm(NamedTuple):
    """More than `incidents` that begin within `window` are a storm; `cluster_wide` counts those of all namespaces."""

    incidents: int
    window: float
    cluster_wide: bool = False


class MinHealthy(NamedTuple):
    """How many of a workload's pods must be ready, as a number or in percent."""

    number: int
    percent: bool = False

    def met(self, health: Health) -> bool:
        """Whether as many are."""
        if self.percent:
            return health.ready * 100 >= self.number * health.wanted
        return health.ready >= self.number

    def __str__(self) -> str:
        return f"{self.number} %" if self.percent else str(self.number)


class Health(NamedTuple):
    """How many pods of a workload are ready, of how many that are wanted."""

    ready: int
    wanted: int


class Policy(NamedTuple):
    """A HealingPolicy. `account` is the service account under whose rights it acts."""

    namespace: str
    name: str
    uid: str
    generation: int
    failures: frozenset[str]
    selector: Selector
    steps: Sequence[Step]
    dry_run: bool = True
    hold: float = 0.0
    cooldown: float = 0.0
    backoff: Backoff | None = None
    limit: Limit | None = None
    min_healthy: MinHealthy | None = None
    storm: Storm | None = None
    paused: bool = False
    approval_required: bool = False
    account: str = ""

    @property
    def memory(self) -> float:
        """How long an action must be remembered, so that nothing is forgotten that a later decision needs."""
        longest = max(self.cooldown, self.backoff.longest if self.backoff else 0.0)
        timeouts = max(step.timeout for step in self.steps)
        return max(2 * longest, timeouts, self.limit.window if self.limit else 0.0)


class Incident(NamedTuple):
    """A failure that is open. `cause` is what the pods of a workload fail of, where it speaks of these."""

    id: str
    failure: str
    cause: str
    subject: Ref
    owner: Ref
    labels: Mapping[str, str]
    since: float


class Past(NamedTuple):
    """An action that a policy started, or with `dry` would have started; of a person's action `policy` is empty.

    `owner` and `target` are keys of references.
    """

    name: str
    policy: str
    owner: str
    target: str
    step: int
    time: float
    finished: bool
    dry: bool = False


class Veto(NamedTuple):
    """Nothing is done until `until` about this object, or about this incident only."""

    name: str
    kind: str
    target: str
    uid: str
    incident: str
    until: float
    by: str
    reason: str

    def holds(self, incident: Incident) -> bool:
        """Whether it speaks of this incident, by its object or the workload that that belongs to."""
        if self.incident and self.incident != incident.id:
            return False
        return any(
            (self.kind, self.target) == (each.kind, each.name)
            and (not self.uid or not each.uid or self.uid == each.uid)
            for each in (incident.subject, incident.owner)
        )


class Refusal(NamedTuple):
    """An action could not be created; it is not tried again before `until`."""

    until: float
    message: str


class World(NamedTuple):
    """What is known beside the policy and the open incidents.

    `openings` are the latest beginnings of incidents, by workload, in the scope of the policy's storm brake.
    `refusals` are by the owner's key.
    """

    past: Sequence[Past]
    vetoes: Sequence[Veto]
    health: Callable[[Ref], Health | None]
    openings: Mapping[Any, float]
    refusals: Mapping[str, Refusal]


class Decision(NamedTuple):
    """What is to be done about one workload, or why nothing is.

    `reason` is one word for scripts, `message` a sentence. `whole` says that the reason is the policy's, not this
    workload's. `name` is the name that the HealingAction has or would have.
    """

    outcome: Outcome
    reason: str
    message: str
    incident: Incident
    step: int = 0
    action: str = ""
    target: Ref | None = None
    parameters: Mapping[str, Any] = {}
    name: str = ""
    whole: bool = False


class Verdict(NamedTuple):
    """One decision for each workload, and when to look again at the latest (None: when something changes)."""

    decisions: list[Decision]
    look_again: float | None
