from typing import Any

import pytest

from kubedom_operator.diagnosis import Settings

from .objects import NOW, ago, container, diagnosis, ended, event, failures, only, pod, running, waiting


def test_a_healthy_pod_has_no_failure() -> None:
    found = diagnosis(pod(container(running())))
    assert (found.failures, found.pending, found.recheck) == ((), (), None)


def test_back_off_is_a_crash_loop() -> None:
    found = only(pod(container(waiting("CrashLoopBackOff", "back-off 40s"), ended(3), restarts=3)))
    assert found.kind == "ContainerCrashLoop"
    assert found.detail["exitCode"] == 3
    assert found.detail["restartCount"] == 3
    assert found.since == NOW - 5


def test_a_crash_loop_is_held_through_its_short_run_and_looked_at_again_when_that_is_stable() -> None:
    looping = pod(container(running(4), ended(1, finished=5, ran=8), restarts=4))
    found = diagnosis(looping)
    assert [one.kind for one in found.failures] == ["ContainerCrashLoop"]
    assert found.recheck == NOW - 4 + 16
    assert failures(looping, now=NOW + 12) == []


def test_a_long_run_that_ends_once_more_is_no_loop() -> None:
    days = 2 * 86400
    assert failures(pod(container(running(5), ended(1, finished=6, ran=days), restarts=57))) == ["ContainerFailed"]


@pytest.mark.parametrize(("restarts", "found"), [(1, []), (2, ["ContainerCrashLoop"])])
def test_a_server_that_exits_0_again_and_again_loops(restarts: int, found: list[str]) -> None:
    assert failures(pod(container(ended(0), ended(0, finished=20), restarts=restarts))) == found


def test_a_worker_that_exits_0_every_hour_does_not_loop() -> None:
    assert failures(pod(container(running(5), ended(0, finished=6, ran=3600), restarts=30))) == []


def test_an_exit_code_other_than_0_is_a_failure_until_the_next_run_is_stable() -> None:
    assert failures(pod(container(ended(3)))) == ["ContainerFailed"]
    assert failures(pod(container(running(5), ended(3, finished=6), restarts=1))) == ["ContainerFailed"]
    assert failures(pod(container(running(11), ended(3, finished=12), restarts=1))) == []


def test_the_stable_window_is_bounded() -> None:
    again = pod(container(running(599), ended(1, finished=600, ran=86400), restarts=1))
    assert failures(again) == ["ContainerFailed"]
    assert failures(again, now=NOW + 2) == []
    short = Settings(stable_min=1.0, stable_max=2.0)
    assert diagnosis(again, settings=short).failures == ()


def test_completed_is_no_failure() -> None:
    assert failures(pod(container(ended(0)), policy="OnFailure", phase="Succeeded")) == []
    assert failures(pod(container(ended(0)), container(running(), name="other"), policy="Never")) == []


@pytest.mark.parametrize(("code", "reason"), [(143, "Error"), (137, "Error"), (1, "Error"), (137, "OOMKilled")])
def test_how_a_deleted_pod_ends_is_no_failure(code: int, reason: str) -> None:
    gone = {"deletionTimestamp": ago(-20), "deletionGracePeriodSeconds": 30}
    assert failures(pod(container(ended(code, reason)), meta=gone)) == []


def test_out_of_memory_outranks_the_loop() -> None:
    found = only(pod(container(waiting("CrashLoopBackOff"), ended(137, "OOMKilled"), restarts=5)))
    assert (found.kind, found.severity, found.detail["mainProcess"]) == ("ContainerOOMKilled", "error", True)


def test_exit_137_without_the_reason_is_only_possibly_out_of_memory() -> None:
    found = only(pod(container(ended(137))))
    assert found.kind == "ContainerFailed"
    assert "possibly out of memory" in found.message


@pytest.mark.parametrize("code", [0, 143])
def test_a_killed_child_process_is_a_warning(code: int) -> None:
    found = only(pod(container(running(3), ended(code, "OOMKilled"), restarts=1)))
    assert (found.kind, found.severity, found.detail["mainProcess"]) == ("ContainerOOMKilled", "warning", False)


@pytest.mark.parametrize(
    "reason",
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    ],
)
def test_an_image_that_cannot_be_had(reason: str) -> None:
    found = only(pod(container(waiting(reason, "no such image")), phase="Pending"))
    assert (found.kind, found.reason, found.container) == ("ImagePull", reason, "main")
    assert found.detail["statusMessage"] == "no such image"


@pytest.mark.parametrize(
    "reason",
    [
        "CreateContainerConfigError",
        "CreateContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
        "RunContainerError",
        "ImageVolumeMountFailed",
    ],
)
def test_a_container_that_cannot_be_made(reason: str) -> None:
    assert failures(pod(container(waiting(reason)), phase="Pending")) == ["ContainerConfig"]


@pytest.mark.parametrize("reason", ["StartError", "ContainerCannotRun"])
def test_a_start_error_is_held_while_the_kubelet_backs_off(reason: str) -> None:
    last = ended(128, reason, startedAt="1970-01-01T00:00:00Z")
    assert failures(pod(container(waiting("CrashLoopBackOff"), last, restarts=2))) == ["ContainerConfig"]
    assert failures(pod(container(ended(128, reason)), phase="Failed", policy="Never")) == ["ContainerConfig"]


def test_creating_is_no_failure() -> None:
    assert (
        failures(pod(container(waiting("ContainerCreating")), phase="Pending", meta={"creationTimestamp": ago(5)}))
        == []
    )


KILLING = "Container main failed {} probe, will be restarted"


@pytest.mark.parametrize("probe", ["liveness", "startup"])
def test_a_kill_for_a_probe_is_told_by_a_normal_event(probe: str) -> None:
    told = event("Killing", KILLING.format(probe), 6, "spec.containers{main}", "Normal")
    found = only(pod(container(running(3), ended(137, finished=4, ran=60), restarts=1)), told)
    assert (found.kind, found.detail["probe"]) == ("LivenessKilled", probe)


@pytest.mark.parametrize(
    "other",
    [
        event("Killing", "Stopping container main", 6, "spec.containers{main}", "Normal"),
        event("Killing", KILLING.format("liveness"), 6, "spec.containers{other}", "Normal"),
        event("Killing", KILLING.format("liveness"), 7200, "spec.containers{main}", "Normal"),
        event("Unhealthy", "Liveness probe failed: ", 6, "spec.containers{main}"),
    ],
)
def test_other_events_are_no_such_kill(other: Any) -> None:
    assert failures(pod(container(running(3), ended(137, finished=4, ran=60), restarts=1)), other) == [
        "ContainerFailed"
    ]


def test_an_init_container_that_fails_is_one_failure_whatever_its_phase() -> None:
    main = container(waiting("PodInitializing"))
    for state, last in (
        (ended(2), None),
        (running(1), ended(2)),
        (waiting("CrashLoopBackOff"), ended(2)),
        (ended(137, "OOMKilled"), None),
    ):
        found = only(pod(main, init=(container(state, last, restarts=2, name="init"),), phase="Pending"))
        assert (found.kind, found.container, found.role) == ("InitFailed", "init", "init")


def test_an_init_container_without_its_command_stays_one_kind_while_it_backs_off() -> None:
    main = container(waiting("PodInitializing"))
    last = ended(128, "StartError")
    kinds = {
        only(pod(main, init=(container(state, last, restarts=2, name="init"),), phase="Pending")).kind
        for state in (waiting("RunContainerError"), waiting("CrashLoopBackOff"))
    }
    assert kinds == {"ContainerConfig"}


@pytest.mark.parametrize("state", [waiting("PodInitializing"), waiting("ContainerCreating"), running(2), ended(0)])
def test_an_init_container_that_proceeds_is_no_failure(state: dict[str, Any]) -> None:
    fresh = {"creationTimestamp": ago(5)}
    assert (
        failures(
            pod(container(waiting("PodInitializing")), init=(container(state, name="i"),), phase="Pending", meta=fresh)
        )
        == []
    )


def test_a_crashing_sidecar_is_a_crash_loop_of_its_own() -> None:
    side = container(waiting("CrashLoopBackOff"), ended(1), restarts=3, name="proxy")
    found = only(pod(container(running()), init=(side,), sidecars=("proxy",)))
    assert (found.kind, found.role) == ("ContainerCrashLoop", "sidecar")


def test_how_a_sidecar_ends_after_the_work_is_done_is_no_failure() -> None:
    side = container(ended(137), name="proxy")
    assert failures(pod(container(ended(0)), init=(side,), sidecars=("proxy",), policy="Never")) == []
    assert failures(pod(container(running()), init=(side,), sidecars=("proxy",), policy="Never")) == ["ContainerFailed"]


def test_a_debugging_shell_may_end_as_it_likes_but_needs_its_image() -> None:
    shell = container(ended(130), name="debugger")
    assert failures(pod(container(running()), ephemeralContainerStatuses=[shell])) == []
    shell = container(waiting("ErrImagePull"), name="debugger")
    found = only(pod(container(running()), ephemeralContainerStatuses=[shell]))
    assert (found.kind, found.role, found.severity) == ("ImagePull", "ephemeral", "warning")


def _starting(since: float) -> Any:
    probe = {"initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 3, "httpGet": {"path": "/"}}
    spec = {"containers": [{"name": "main", "startupProbe": probe}]}
    return pod(container(running(since), ready=False, started=False), spec=spec)


def test_a_slow_start_is_told_when_the_budget_is_over() -> None:
    assert failures(_starting(36)) == ["StartupSlow"]
    early = diagnosis(_starting(20))
    assert (early.failures, early.recheck) == ((), NOW - 20 + 35)


def test_each_container_has_one_trouble_of_its_own() -> None:
    both = pod(
        container(waiting("ImagePullBackOff"), name="a"),
        container(waiting("CrashLoopBackOff"), ended(1), restarts=4, name="b"),
    )
    assert [(one.container, one.kind) for one in diagnosis(both).failures] == [
        ("a", "ImagePull"),
        ("b", "ContainerCrashLoop"),
    ]
