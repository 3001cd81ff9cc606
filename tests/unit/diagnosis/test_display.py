"""Cases of kubectl's STATUS column that the recording has not."""

from typing import Any

import pytest

from kubedom_operator.diagnosis import pod_status

from .objects import NOW, ago, cond, container, ended, pod, running, waiting

READY, NOT_READY = cond("Ready"), cond("Ready", "False", "ContainersNotReady")
UNINITIALIZED = cond("Initialized", "False", "ContainersNotInitialized")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (pod(container(running())), ("Running", 1, 1, 0)),
        (pod(container(ended(0)), container(ended(1), name="b"), policy="Never", phase="Failed"), ("Error", 0, 2, 0)),
        (pod(container(ended(1)), container(ended(0), name="b"), policy="Never", phase="Failed"), ("Error", 0, 2, 0)),
        (pod(container(ended(0)), container(running(), name="b"), conditions=(READY,)), ("Running", 1, 2, 0)),
        (pod(container(ended(0)), container(running(), name="b"), conditions=(NOT_READY,)), ("NotReady", 1, 2, 0)),
        (pod(container(ended(3, reason="", signal=9) | {}), phase="Failed", reason="Evicted"), ("Error", 0, 1, 0)),
        (pod(phase="Failed", reason="Evicted"), ("Evicted", 0, 0, 0)),
        (pod(container(running()), meta={"deletionTimestamp": ago(1)}), ("Terminating", 1, 1, 0)),
        (pod(container(running()), reason="NodeLost", meta={"deletionTimestamp": ago(1)}), ("Unknown", 1, 1, 0)),
        (pod(container(ended(0)), phase="Succeeded", meta={"deletionTimestamp": ago(1)}), ("Completed", 0, 1, 0)),
    ],
)
def test_what_kubectl_prints(given: Any, shown: tuple[str, int, int, int]) -> None:
    assert pod_status(given, NOW)[:4] == shown


def initializing(*init: dict[str, Any], sidecars: tuple[str, ...] = ()) -> Any:
    main = container(waiting("PodInitializing"))
    return pod(main, init=init, sidecars=sidecars, phase="Pending", conditions=(UNINITIALIZED,))


def test_init_containers() -> None:
    done, at_work = container(ended(0), name="a"), container(running(), name="b", ready=False)
    assert pod_status(initializing(done, at_work), NOW).status == "Init:1/2"
    assert (
        pod_status(initializing(container(waiting("ErrImagePull"), name="a"), at_work), NOW).status
        == "Init:ErrImagePull"
    )
    killed = {"terminated": {"exitCode": 137, "signal": 9}}
    assert pod_status(initializing(container(killed, name="a")), NOW).status == "Init:Signal:9"
    coded = {"terminated": {"exitCode": 5}}
    assert pod_status(initializing(container(coded, name="a")), NOW).status == "Init:ExitCode:5"


def test_a_sidecar_counts_as_a_container_and_its_crash_as_an_init_error() -> None:
    main, side = container(running()), container(running(), name="proxy", started=True)
    assert pod_status(pod(main, init=(side,), sidecars=("proxy",)), NOW)[:3] == ("Running", 2, 2)
    crashed = container(ended(1), name="proxy", started=False)
    assert pod_status(initializing(crashed, sidecars=("proxy",)), NOW).status == "Init:Error"


def test_restarts_of_plain_init_containers_count_only_until_initialised() -> None:
    init = container(ended(0), ended(1, finished=50), restarts=2, name="a")
    assert pod_status(pod(container(running()), init=(init,)), NOW)[3:] == (0, None)
    again = container(running(1), ended(1, finished=50), restarts=2, name="a")
    assert pod_status(initializing(again), NOW)[3:] == (2, NOW - 50)
