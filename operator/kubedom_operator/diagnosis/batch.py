"""Jobs and cron jobs."""

from __future__ import annotations

from kubedom_operator.projection import CronJob, Job, condition, seconds
from kubedom_operator.projection.batch import CronJobSpec, CronJobStatus, JobStatus

from .evidence import matching
from .model import Diagnosis, FailureKind, Related, Settings, Verdict

_COUNTS = ("active", "ready", "succeeded", "failed")

JOB_FAILED = FailureKind(
    name="JobFailed",
    resource="Job",
    family="job",
    event="jobFailed",
    recovery_event="jobRecovered",
    severity="error",
    rule="Condition Failed is True, or FailureTarget is True while the last pods are being ended: BackoffLimitExceeded,"
    " DeadlineExceeded, PodFailurePolicy, MaxFailedIndexesExceeded or FailedIndexes.",
    next_step="Read the log of the job's last pod; a failed job does not start again by itself.",
    detail_fields=("reason", "statusMessage", "failedIndexes", *_COUNTS),
)
JOB_RETRYING = FailureKind(
    name="JobRetrying",
    resource="Job",
    family="job",
    event="jobRetrying",
    recovery_event="jobRecovered",
    severity="warning",
    rule="status.failed is above 0 and the job is neither finished nor suspended.",
    next_step="Read the log of the failed pod, before the job reaches its back-off limit.",
    detail_fields=("backoffLimit", *_COUNTS),
)
JOB_STUCK = FailureKind(
    name="JobStuck",
    resource="Job",
    family="job",
    event="jobStuck",
    recovery_event="jobRecovered",
    severity="warning",
    rule="status.active is above 0, status.ready is 0 and status.startTime is 12 hours ago.",
    next_step="See why the job's pods do not run.",
    hold=12 * 3600.0,
    detail_fields=_COUNTS,
)
CRON_JOB_FAILED = FailureKind(
    name="CronJobFailed",
    resource="CronJob",
    family="cronjob",
    event="cronJobFailed",
    recovery_event="cronJobRecovered",
    severity="error",
    rule="The job that it made last failed; or, without knowledge of its jobs, lastScheduleTime is later than"
    " lastSuccessfulTime and nothing is active for 60 s; or an Event since then says MissSchedule, TooManyMissedTimes,"
    " InvalidSchedule, UnparseableSchedule, UnParseableCronJobSchedule, UnknownTimeZone, FailedCreate or UnexpectedJob"
    " (JobAlreadyActive: a warning).",
    next_step="See the last job's pods, or correct the schedule.",
    detail_fields=("reason", "statusMessage", "job"),
    speaks_of=("Job",),
)
KINDS = (JOB_FAILED, JOB_RETRYING, JOB_STUCK, CRON_JOB_FAILED)

_NOT_YET_KNOWN = 60.0
_SCHEDULE_EVENTS = frozenset(
    {
        "MissSchedule",
        "TooManyMissedTimes",
        "InvalidSchedule",
        "UnparseableSchedule",
        "UnParseableCronJobSchedule",
        "UnknownTimeZone",
        "FailedCreate",
        "UnexpectedJob",
        "JobAlreadyActive",
    }
)


def diagnose_job(job: Job, related: Related, now: float, settings: Settings) -> Diagnosis:  # noqa: ARG001
    """Say what is wrong with a job."""
    verdict = Verdict(now, settings)
    status = job.status
    if status is None or job.metadata.deletion_timestamp:
        return verdict.diagnosis()
    counts: dict[str, int] = {
        "active": status.active or 0,
        "ready": status.ready or 0,
        "succeeded": status.succeeded or 0,
        "failed": status.failed or 0,
    }
    over = _failed(status)
    if over is not None:
        reason, text, since = over
        verdict.add(
            JOB_FAILED,
            f"The job failed ({reason}).",
            since=since,
            reason=reason,
            detail={"reason": reason, "statusMessage": text, "failedIndexes": status.failed_indexes, **counts},
        )
        return verdict.diagnosis()
    if any(_holds(status, one) for one in ("Complete", "SuccessCriteriaMet")):
        return verdict.diagnosis()
    if (job.spec and job.spec.suspend) or _holds(status, "Suspended"):
        verdict.notes.append("Suspended")
        return verdict.diagnosis()
    limit = job.spec.backoff_limit if job.spec else None
    # Between two tries nothing is active for a moment: that must not look like an end.
    if counts["failed"]:
        verdict.add(
            JOB_RETRYING,
            f"{counts['failed']} of the job's pods failed; it tries again.",
            reason="Retrying",
            detail={"backoffLimit": limit, **counts},
        )
    elif counts["active"] and not counts["ready"]:
        verdict.add(
            JOB_STUCK,
            "The job has been active for a long time and none of its pods is ready.",
            since=seconds(status.start_time),
            reason="NotReady",
            detail=dict(counts),
        )
    return verdict.diagnosis()


def _holds(status: JobStatus, wanted: str) -> bool:
    found = condition(status.conditions, wanted)
    return found is not None and found.status == "True"


def _failed(status: JobStatus) -> tuple[str, str, float | None] | None:
    """Why a job failed, in the words of the controller, and since when."""
    for wanted in ("Failed", "FailureTarget"):
        found = condition(status.conditions, wanted)
        if found and found.status == "True":
            return found.reason or "Failed", found.message or "", seconds(found.last_transition_time)
    return None


def diagnose_cron_job(cron_job: CronJob, related: Related, now: float, settings: Settings) -> Diagnosis:
    """Say what is wrong with a cron job; the jobs that it made tell best, its own times tell a little."""
    verdict = Verdict(now, settings)
    spec, status = cron_job.spec or CronJobSpec(), cron_job.status or CronJobStatus()
    if cron_job.metadata.deletion_timestamp:
        return verdict.diagnosis()
    if spec.suspend:
        verdict.notes.append("Suspended")
        return verdict.diagnosis()
    scheduled, succeeded = seconds(status.last_schedule_time), seconds(status.last_successful_time)
    trouble = matching(related.events, _SCHEDULE_EVENTS, max(scheduled or 0.0, succeeded or 0.0))
    if trouble:
        last = trouble[-1]
        verdict.add(
            CRON_JOB_FAILED,
            f"The cron job could not make its job ({last.reason}).",
            since=seconds(last.first_timestamp or last.time),
            reason=last.reason,
            severity="warning" if last.reason == "JobAlreadyActive" else None,
            detail={"reason": last.reason, "statusMessage": last.message},
        )
    elif related.jobs is not None:
        _last_job(related, verdict)
    elif scheduled is not None and not status.active and scheduled > (succeeded or 0.0):
        verdict.add(
            CRON_JOB_FAILED,
            "The job that was made last did not succeed.",
            since=scheduled,
            reason="NoSuccess",
            hold=_NOT_YET_KNOWN,
            detail={"reason": "NoSuccess"},
        )
    return verdict.diagnosis()


def _last_job(related: Related, verdict: Verdict) -> None:
    """Judge by the newest job that is over; one that still runs does not undo the failure of the one before."""
    over = [
        one
        for one in related.jobs or ()
        if one.status and (_failed(one.status) is not None or _holds(one.status, "Complete"))
    ]
    if not over:
        return
    last = max(over, key=lambda one: seconds(one.metadata.creation_timestamp) or 0.0)
    failed = _failed(last.status) if last.status else None
    if failed is not None:
        reason, text, since = failed
        verdict.add(
            CRON_JOB_FAILED,
            f"Its last job {last.metadata.name} failed ({reason}).",
            since=since,
            reason=reason,
            detail={"reason": reason, "statusMessage": text, "job": last.metadata.name},
        )
