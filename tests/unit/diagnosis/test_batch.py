from typing import Any

import pytest

from kubedom_operator.projection import from_object

from .objects import NOW, ago, cond, diagnosis, event, failures, metadata, only


def job(
    *conditions: dict[str, Any], name: str = "job", created: float = 100, suspend: bool = False, **status: Any
) -> Any:
    return from_object(
        "Job",
        {
            "metadata": metadata(name, creationTimestamp=ago(created)),
            "spec": {"backoffLimit": 6, "suspend": suspend},
            "status": {"startTime": ago(created), "conditions": list(conditions), **status},
        },
    )


@pytest.mark.parametrize(
    "reason",
    ["BackoffLimitExceeded", "DeadlineExceeded", "PodFailurePolicy", "MaxFailedIndexesExceeded", "FailedIndexes"],
)
def test_a_failed_job(reason: str) -> None:
    found = only(job(cond("FailureTarget", "True", reason), cond("Failed", "True", reason, 7), failed=1))
    assert (found.kind, found.reason, found.since) == ("JobFailed", reason, NOW - 7)
    assert failures(job(cond("FailureTarget", "True", reason), terminating=1)) == ["JobFailed"]


def test_a_condition_that_is_false_says_nothing() -> None:
    assert failures(job(cond("Failed", "False", "BackoffLimitExceeded"), active=1, ready=1)) == []


def test_a_job_that_tries_again_also_between_two_tries() -> None:
    assert failures(job(failed=1, active=1)) == ["JobRetrying"]
    assert failures(job(failed=1)) == ["JobRetrying"]


def test_a_job_that_succeeded_in_the_end_or_is_suspended_has_no_failure() -> None:
    assert failures(job(cond("Complete"), failed=1, succeeded=1)) == []
    assert failures(job(cond("SuccessCriteriaMet"), failed=1)) == []
    found = diagnosis(job(cond("Suspended"), suspend=True, failed=1))
    assert (found.failures, found.notes) == ((), ("Suspended",))


def test_a_job_none_of_whose_pods_becomes_ready() -> None:
    assert failures(job(created=12 * 3600 + 1, active=1, ready=0)) == ["JobStuck"]
    assert failures(job(created=12 * 3600 + 1, active=1, ready=1)) == []
    assert diagnosis(job(created=100, active=1, ready=0)).recheck == NOW - 100 + 12 * 3600


def cron(suspend: bool = False, **status: Any) -> Any:
    return from_object(
        "CronJob",
        {"metadata": metadata("cron"), "spec": {"schedule": "* * * * *", "suspend": suspend}, "status": status},
    )


FAILED = job(cond("Failed", "True", "BackoffLimitExceeded"), name="cron-2", created=60)
DONE = job(cond("Complete"), name="cron-3", created=30)
RUNS = job(name="cron-4", created=1, active=1)


def test_a_cron_job_is_judged_by_the_newest_job_that_is_over() -> None:
    found = only(cron(), jobs=[FAILED, RUNS])
    assert (found.kind, found.detail["job"]) == ("CronJobFailed", "cron-2")
    assert failures(cron(), jobs=[FAILED, DONE]) == []
    assert failures(cron(lastScheduleTime=ago(900)), jobs=[]) == []


def test_without_its_jobs_the_times_of_a_cron_job_tell() -> None:
    assert failures(cron(lastScheduleTime=ago(120), lastSuccessfulTime=ago(180))) == ["CronJobFailed"]
    assert failures(cron(lastScheduleTime=ago(120), lastSuccessfulTime=ago(110))) == []
    assert failures(cron(lastScheduleTime=ago(120), active=[{"name": "cron-4"}])) == []
    assert failures(cron(suspend=True, lastScheduleTime=ago(120))) == []


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        ("MissSchedule", "error"),
        ("TooManyMissedTimes", "error"),
        ("InvalidSchedule", "error"),
        ("UnparseableSchedule", "error"),
        ("UnParseableCronJobSchedule", "error"),
        ("UnknownTimeZone", "error"),
        ("FailedCreate", "error"),
        ("UnexpectedJob", "error"),
        ("JobAlreadyActive", "warning"),
    ],
)
def test_a_cron_job_that_could_not_make_its_job(reason: str, severity: str) -> None:
    found = only(cron(lastScheduleTime=ago(200)), event(reason, "why", 100), jobs=[])
    assert (found.kind, found.reason, found.severity) == ("CronJobFailed", reason, severity)
    assert failures(cron(lastScheduleTime=ago(50)), event(reason, "why", 100), jobs=[]) == []
