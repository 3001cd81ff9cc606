"""Jobs and cron jobs; of their templates nothing is kept."""

from __future__ import annotations

import msgspec

from .shape import Condition, Metadata, ObjectReference, Shape


class JobSpec(Shape):
    """What a job should do."""

    parallelism: int | None = None
    completions: int | None = None
    active_deadline_seconds: int | None = None
    backoff_limit: int | None = None
    completion_mode: str | None = None
    suspend: bool | None = None


class JobStatus(Shape):
    """How far a job is."""

    active: int | None = 0
    ready: int | None = None
    terminating: int | None = None
    succeeded: int | None = 0
    failed: int | None = 0
    start_time: str | None = None
    completion_time: str | None = None
    failed_indexes: str | None = None
    conditions: tuple[Condition, ...] | None = ()


class Job(Shape):
    """A job."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: JobSpec | None = None
    status: JobStatus | None = None


class CronJobSpec(Shape):
    """When a cron job makes its jobs."""

    schedule: str | None = None
    time_zone: str | None = None
    starting_deadline_seconds: int | None = None
    concurrency_policy: str | None = None
    suspend: bool | None = None


class CronJobStatus(Shape):
    """What a cron job did last."""

    active: tuple[ObjectReference, ...] | None = ()
    last_schedule_time: str | None = None
    last_successful_time: str | None = None


class CronJob(Shape):
    """A cron job."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: CronJobSpec | None = None
    status: CronJobStatus | None = None
