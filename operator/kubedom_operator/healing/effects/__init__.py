"""What each action does, in two steps that can both be repeated: bring it about, then wait until it is reached.

A dry run ends after the first. Neither step keeps anything but what is in the cluster, so that another operator goes on
where this one was killed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from . import jobs, nodes, pods, revisions, rollouts, scaling
from .work import Work

__all__ = ["EFFECTS", "Effect", "Work"]


class Effect(NamedTuple):
    """The two steps of an action.

    Args:
        apply: Makes the change, unless it is made already.
        reached: Waits for what comes of it, and gives the sentence that tells it.

    """

    apply: Callable[[Work], Awaitable[None]]
    reached: Callable[[Work], Awaitable[str]]


_RESTART = Effect(rollouts.restart, rollouts.rolled_out("was restarted"))

EFFECTS: Mapping[str, Effect] = {
    "restartPod": Effect(pods.remove, pods.replaced),
    "deletePod": Effect(pods.remove, pods.gone),
    "restartDeployment": _RESTART,
    "restartStatefulSet": _RESTART,
    "restartDaemonSet": _RESTART,
    "scale": Effect(scaling.scale, scaling.scaled),
    "rollback": Effect(revisions.roll_back, rollouts.rolled_out("was rolled back")),
    "pauseRollout": Effect(rollouts.pause, rollouts.paused),
    "resumeRollout": Effect(rollouts.resume, rollouts.rolled_out("rolls out again")),
    "setImage": Effect(rollouts.set_image, rollouts.rolled_out("has its image")),
    "retryJob": Effect(jobs.retry, jobs.run_through),
    "suspendCronJob": Effect(jobs.suspend, jobs.suspended),
    "resumeCronJob": Effect(jobs.resume, jobs.suspended),
    "runCronJob": Effect(jobs.run_now, jobs.made),
    "cordon": Effect(nodes.cordon, nodes.schedulable),
    "uncordon": Effect(nodes.uncordon, nodes.schedulable),
    "drain": Effect(nodes.drain, nodes.empty),
}
