"""What the operator's thread says of itself to other threads."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from kubedom_bridge.kube import ClusterChoice
from kubedom_operator.runtime import OperatorThread


class Source(NamedTuple):
    """A source that heard of its quietest kind so long ago."""

    heard: float
    stale_seconds: float

    def age(self) -> float:
        return self.heard


def operator(*sources: Source) -> OperatorThread:
    made: Any = OperatorThread(ClusterChoice(), "test", lambda _: None, proof=None)
    made._sources = sources
    return made


def test_watches_that_are_heard_of_are_alive() -> None:
    assert operator().not_alive() == ""
    assert operator(Source(70, 210), Source(310, 900)).not_alive() == ""


@pytest.mark.parametrize(
    ("sources", "age"), [((Source(211, 210), Source(310, 900)), 211), ((Source(5, 210), Source(901, 900)), 901)]
)
def test_a_stale_watch_is_not_alive(sources: tuple[Source, ...], age: int) -> None:
    assert operator(*sources).not_alive() == f"the API server was not heard of for {age} s"


def test_an_operator_that_failed_is_not_alive_and_says_so() -> None:
    said: list[str] = []
    choice = ClusterChoice("/no/such/kubeconfig")
    failing = OperatorThread(choice, "test", lambda _: None, proof=None, failed=said.append)
    failing.start()
    failing.stop()
    assert said == [failing.not_alive()]
    assert failing.not_alive().startswith("the operator failed: There is no kubeconfig at /no/such/kubeconfig.")
    assert failing.not_ready() == failing.not_alive()
