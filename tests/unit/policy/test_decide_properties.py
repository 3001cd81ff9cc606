"""Whatever fails, heals and is forgotten in whatever order, no brake is ever passed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedom_operator.policy.decide import cooldown
from kubedom_operator.policy.model import Backoff, Health, Limit, MinHealthy, Past, Policy, Step, Storm, Veto

from .worlds import NOW, RESTART, Simulated, incident, policy

WORKLOADS = ("a", "b", "c")
STEPS = (Step("restartPod", {}, 40.0), RESTART._replace(timeout=70.0), Step("rollback", {}, 30.0))

policies = st.builds(
    policy,
    steps=st.integers(1, 3).map(lambda many: STEPS[:many]),
    hold=st.sampled_from((0.0, 30.0)),
    cooldown=st.sampled_from((10.0, 60.0, 200.0)),
    backoff=st.none() | st.builds(Backoff, st.sampled_from((1.0, 2.0, 3.0)), st.sampled_from((60.0, 500.0))),
    limit=st.none() | st.builds(Limit, st.integers(1, 4), st.sampled_from((100.0, 1000.0))),
    storm=st.none() | st.builds(Storm, st.integers(1, 2), st.sampled_from((50.0, 300.0))),
    min_healthy=st.none() | st.just(MinHealthy(50, percent=True)),
    dry_run=st.booleans(),
)
moves = st.lists(
    st.tuples(
        st.sampled_from(
            ("begin", "begin", "end", "finish", "wait", "wait", "again", "restart", "veto", "pause", "ill")
        ),
        st.sampled_from(WORKLOADS),
        st.integers(1, 300),
    ),
    min_size=5,
    max_size=60,
)


class Checked(Simulated):
    """Plays moves, and compares each decision to act with what must hold then."""

    def __init__(self, wanted: Policy) -> None:
        super().__init__()
        self.wanted = wanted
        self.paused = False

    def look(self) -> None:
        before = list(self.past)
        for decision in self.settle(self.wanted._replace(paused=self.paused)):
            if decision.outcome not in {"Act", "DryRun"}:
                continue
            owner = decision.incident.owner.key
            assert decision.incident.id in self.open
            assert not self.paused
            assert not any(
                each.until > self.now and each.target == decision.incident.owner.name for each in self.vetoes
            )
            assert not any(each.owner == owner and not each.finished for each in before)
            assert self.now >= decision.incident.since + self.wanted.hold
            if self.wanted.min_healthy is not None:
                assert self.wanted.min_healthy.met(self.health[owner])
            if (storm := self.wanted.storm) is not None:
                recent = [time for time in self.openings.values() if time > self.now - storm.window]
                assert len(recent) <= storm.incidents

    def play(self, kind: str, name: str, number: int) -> None:
        pod = f"{name}-{number % 2}"
        if kind == "begin" and f"incident-{pod}" not in self.open:
            self.begin(incident(pod, name, since=self.now))
        elif kind == "end":
            self.end(f"incident-{pod}")
        elif kind == "finish":
            self.finish()
        elif kind == "wait":
            self.now += number
        elif kind == "restart":
            # Failures without a time of their own begin again for an operator that was started again.
            self.open = {key: each._replace(since=self.now) for key, each in self.open.items()}
        elif kind == "veto":
            self.vetoes.append(Veto("v", "Deployment", name, "", "", self.now + number, "ann", ""))
        elif kind == "pause":
            self.paused = not self.paused
        elif kind == "ill":
            self.health[f"Deployment/{name}"] = Health(number % 4, 4)


def runs(past: list[Past]) -> list[list[Past]]:
    found: list[list[Past]] = []
    for each in past:
        if each.step == 0:
            found.append([])
        found[-1].append(each)
    return found


@settings(max_examples=400, deadline=None)
@given(policies, moves)
def test_no_brake_is_ever_passed(wanted: Policy, played: list[tuple[str, str, int]]) -> None:
    cluster = Checked(wanted)
    cluster.health = {f"Deployment/{name}": Health(2, 4) for name in WORKLOADS}
    for move in played:
        cluster.play(*move)
        cluster.look()
    if wanted.limit is not None:
        times = [past.time for past in cluster.past]
        for first, over in zip(times, times[wanted.limit.most :], strict=False):
            assert over - first >= wanted.limit.window
    for name in WORKLOADS:
        own = [past for past in cluster.past if past.owner == f"Deployment/{name}"]
        for run in runs(own):
            assert [past.step for past in run] == list(range(len(run))), "the steps come in their order"
            for before, after in pairwise(run):
                assert after.time - before.time >= wanted.steps[before.step].timeout
        level = 0
        for run, following in pairwise(runs(own)):
            gap = following[0].time - run[-1].time
            assert gap >= cooldown(wanted, level) >= wanted.cooldown
            level = level + 1 if gap <= 2 * cooldown(wanted, level) else 0


@settings(max_examples=200, deadline=None)
@given(policies, moves)
def test_two_operators_that_know_the_same_start_the_same_actions(
    wanted: Policy, played: list[tuple[str, str, int]]
) -> None:
    cluster = Checked(wanted)
    for move in played:
        cluster.play(*move)
        assert cluster.verdict(wanted) == cluster.verdict(wanted)
        cluster.look()
    names = [past.name for past in cluster.past]
    assert len(set(names)) == len(names)


@settings(max_examples=200, deadline=None)
@given(policies, moves)
def test_whoever_looks_again_when_told_to_misses_nothing(wanted: Policy, played: list[tuple[str, str, int]]) -> None:
    """While nothing changes, no decision to act is due before the moment that was given."""
    cluster = Checked(wanted)
    cluster.health = {f"Deployment/{name}": Health(2, 4) for name in WORKLOADS}
    for move in played:
        cluster.play(*move)
        cluster.look()
    cluster.finish()
    verdict = cluster.verdict(wanted)
    acting = [each for each in verdict.decisions if each.outcome in {"Act", "DryRun"}]
    horizon = cluster.now + 2000 if verdict.look_again is None else verdict.look_again
    assert horizon > cluster.now
    if not acting:
        cluster.now = (cluster.now + horizon) / 2
        assert not [each for each in cluster.verdict(wanted).decisions if each.outcome in {"Act", "DryRun"}]


@settings(max_examples=50, deadline=None)
@given(st.integers(11, 100), st.integers(0, 59))
def test_the_brake_holds_under_many_failures_at_once(many: int, later: int) -> None:
    wanted = policy(storm=Storm(10, 60.0), limit=Limit(3, 3600.0), hold=5.0)
    cluster = Simulated()
    cluster.begin(*(incident(f"{number}-1", str(number), since=NOW) for number in range(many)))
    cluster.now += later
    assert {each.reason for each in cluster.verdict(wanted).decisions} == {"StormBrake"}
    cluster.now = NOW + 60
    assert sum(each.outcome == "Act" for each in cluster.settle(wanted)) == 3
