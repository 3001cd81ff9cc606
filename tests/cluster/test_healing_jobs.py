"""A failed job once more, a cron job now, and its suspension, by the real job controllers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cluster.healing import (
    Operator,
    action,
    carried_out,
    create,
    cron_job,
    end_pods,
    fail_job,
    failed,
    finished,
    job,
)
from tests.conftest import Cluster
from tests.running import wait_for

pytestmark = pytest.mark.cluster


def jobs(cluster: Cluster, namespace: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in cluster.get("jobs", f"--namespace={namespace}")["items"]}


@pytest.mark.parametrize(("ending", "phase"), [("Succeeded", "Succeeded"), ("Failed", "Failed")])
def test_a_failed_job_is_made_once_more_and_its_end_is_the_actions(
    cluster: Cluster, namespace: str, operator: Operator, ending: str, phase: str
) -> None:
    fail_job(cluster, namespace, "backup")
    dry = carried_out(cluster, namespace, action("retryJob", "Job", "backup", dryRun=True))
    assert "would be made from Job backup" in dry["changes"][0]
    assert jobs(cluster, namespace).keys() == {"backup"}
    made = create(cluster, namespace, action("retryJob", "Job", "backup"))
    end = finished(cluster, namespace, made, lambda: end_pods(cluster, namespace, ending))
    (retry,) = jobs(cluster, namespace).keys() - {"backup"}
    assert end["phase"] == phase
    assert end["changes"] == [f"Job {retry} was made from Job backup."]
    said = {"Succeeded": f"Job {retry} is complete.", "Failed": f"Job {retry} failed as well: "}[ending]
    assert end["message"].startswith(said)
    annotations = jobs(cluster, namespace)[retry]["metadata"]["annotations"]
    assert annotations["kubedom.dev/healed-by"]
    assert "kubedom.dev/held" not in annotations


def test_only_a_failed_job_is_retried(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(job("fine"), namespace=namespace)
    cluster.kubectl("wait", "job/fine", "--for=condition=Complete", f"--namespace={namespace}", "--timeout=60s")
    assert "has not failed" in failed(cluster, namespace, action("retryJob", "Job", "fine"))
    assert jobs(cluster, namespace).keys() == {"fine"}


def test_a_cron_job_runs_now_and_counts_as_its_own(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(cron_job("nightly"), namespace=namespace)
    dry = carried_out(cluster, namespace, action("runCronJob", "CronJob", "nightly", dryRun=True))
    assert "would be made from CronJob nightly" in dry["changes"][0]
    assert jobs(cluster, namespace) == {}
    end = carried_out(cluster, namespace, action("runCronJob", "CronJob", "nightly"))
    ((name, made),) = jobs(cluster, namespace).items()
    assert end["message"] == f"Job {name} was made from CronJob nightly."
    assert made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("CronJob", "nightly", True)
    cluster.kubectl("wait", f"job/{name}", "--for=condition=Complete", f"--namespace={namespace}", "--timeout=60s")


def test_a_job_that_is_cleaned_up_at_once_is_made_once(cluster: Cluster, namespace: str, operator: Operator) -> None:
    wanted = cron_job("nightly")
    wanted["spec"] |= {"successfulJobsHistoryLimit": 0, "failedJobsHistoryLimit": 0}
    wanted["spec"]["jobTemplate"]["spec"]["ttlSecondsAfterFinished"] = 0
    cluster.apply(wanted, namespace=namespace)
    carried_out(cluster, namespace, action("runCronJob", "CronJob", "nightly"))
    wait_for("its clean-up", lambda: not jobs(cluster, namespace))


def test_a_cron_job_is_suspended_and_resumed(cluster: Cluster, namespace: str, operator: Operator) -> None:
    cluster.apply(cron_job("nightly"), namespace=namespace)

    def suspended() -> bool:
        answer: bool = cluster.get("cronjob", "nightly", f"--namespace={namespace}")["spec"]["suspend"]
        return answer

    dry = carried_out(cluster, namespace, action("suspendCronJob", "CronJob", "nightly", dryRun=True))
    assert (dry["changes"], suspended()) == (["CronJob nightly would be suspended."], False)
    end = carried_out(cluster, namespace, action("suspendCronJob", "CronJob", "nightly"))
    assert (end["message"], suspended()) == ("CronJob nightly is suspended.", True)
    end = carried_out(cluster, namespace, action("suspendCronJob", "CronJob", "nightly"))
    assert end["message"].endswith("It was so already, nothing had to be changed.")
    end = carried_out(cluster, namespace, action("resumeCronJob", "CronJob", "nightly"))
    assert (end["message"], suspended()) == ("CronJob nightly runs by its schedule.", False)
