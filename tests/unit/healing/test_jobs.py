"""A job is made anew without what was generated for the old one, under a name that is the action's own."""

from __future__ import annotations

from typing import Any

import pytest

from kubedom_operator.healing.effects import jobs

from .actions import action

FAILED: dict[str, Any] = {
    "metadata": {
        "name": "backup",
        "namespace": "shop",
        "uid": "uid-j",
        "labels": {"app": "backup", "controller-uid": "uid-j", "batch.kubernetes.io/job-name": "backup"},
        "annotations": {"why": "x", jobs.LAST_APPLIED: "{}"},
        "ownerReferences": [{"kind": "CronJob", "name": "nightly"}],
    },
    "spec": {
        "backoffLimit": 0,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "uid-j"}},
        "manualSelector": False,
        "ttlSecondsAfterFinished": 0,
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "backup", "job-name": "backup", "batch.kubernetes.io/controller-uid": "uid-j"},
            },
            "spec": {"restartPolicy": "Never"},
        },
    },
    "status": {"failed": 1},
}


def test_a_retry_has_nothing_that_was_generated() -> None:
    assert jobs.retried(FAILED, "again") == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "again",
            "namespace": "shop",
            "labels": {"app": "backup"},
            "annotations": {"why": "x"},
            "ownerReferences": [{"kind": "CronJob", "name": "nightly"}],
        },
        "spec": {
            "backoffLimit": 0,
            # Cleaned up at once, its end could not be seen.
            "ttlSecondsAfterFinished": jobs.LEAST_TTL_SECONDS,
            "template": {"metadata": {"labels": {"app": "backup"}}, "spec": {"restartPolicy": "Never"}},
        },
    }


def test_a_cron_jobs_job_is_its_own_and_made_by_hand() -> None:
    template = {"metadata": {"labels": {"app": "n"}, "annotations": {"why": "x"}}, "spec": {"template": {}}}
    cron_job = {
        "metadata": {"name": "nightly", "namespace": "shop", "uid": "uid-c"},
        "spec": {"schedule": "0 0 * * *", "jobTemplate": template},
    }
    made = jobs.instantiated(cron_job, "now")
    assert made["spec"] == {"template": {}}
    assert made["metadata"]["annotations"] == {"why": "x", "cronjob.kubernetes.io/instantiate": "manual"}
    (owner,) = made["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"], "blockOwnerDeletion" in owner) == (
        "CronJob",
        "uid-c",
        True,
        False,
    )


def test_it_begins_suspended_unless_it_is_to_stay_so() -> None:
    job = jobs.retried(FAILED, "again")
    begun = jobs.held(job, "uid-a")
    assert (begun["spec"]["suspend"], begun["metadata"]["annotations"][jobs.HELD]) == (True, "true")
    assert begun["metadata"]["annotations"]["kubedom.dev/healed-by"] == "uid-a"
    assert "suspend" not in job["spec"]
    stays = jobs.held({**job, "spec": {**job["spec"], "suspend": True}}, "uid-a")
    assert (stays["spec"]["suspend"], jobs.HELD in stays["metadata"]["annotations"]) == (True, False)


@pytest.mark.parametrize("target", ["backup", "b" * 63, "b" * 51 + "-" + "c" * 11])
def test_its_name_is_the_actions_and_can_be_a_label(target: str) -> None:
    retry = action("retryJob", "Job", target)
    name = jobs.job_name(retry)
    assert name == jobs.job_name(retry)
    assert name != jobs.job_name(retry._replace(uid="uid-b"))
    assert name != jobs.job_name(retry._replace(verb="runCronJob"))
    assert len(name) <= 63
    assert "--" not in name
