"""From the commands `approveHealing` and `denyHealing` to the decision about an action that waits, written as the user.

In comes a `Command` whose target is the HealingAction or ClusterHealingAction; out goes its reference, and an outcome
that is there at once: what the action then does is told by its own events. Whether the user may decide is for the API
server to say, whose admission also keeps whoever asked for the action from approving it.
"""

from __future__ import annotations

import asyncio

from .actions import FINISHED, ActionRef, Outcome, check_names, collection_path, look_up, settled
from .errors import CommandRefused
from .kube import MERGE_PATCH, Api
from .protocol import Command, Target

DECISIONS = {"approveHealing": "Approve", "denyHealing": "Deny"}
_DONE = {"Approve": "approved", "Deny": "denied"}
#: The kinds of actions, and whether they are in a namespace.
KINDS = {"HealingAction": True, "ClusterHealingAction": False}


def path_of(target: Target) -> str:
    """Where an action of one of `KINDS` is in the API."""
    return f"{collection_path(target.namespace if KINDS[target.kind] else '')}/{target.name}"


def check(command: Command) -> None:
    """Refuse a decision about what is no action.

    Raises:
        CommandRefused: with the field at fault.

    """
    target = command.target
    if target.kind not in KINDS:
        raise CommandRefused(
            "badTarget",
            f"{command.name} decides about a HealingAction, not about {target.kind[:80]!r}.",
            remedy=f"Name a {' or '.join(KINDS)} as target: an event's detail.actionName has its name.",
            field="target.kind",
        )
    check_names(target, namespaced=KINDS[target.kind])
    for name in command.parameters:
        raise CommandRefused(
            "badParameter",
            f"{command.name} has no parameter {name[:80]!r}.",
            remedy="It takes none; why is said by `reason`.",
            field=f"parameters.{name[:80]}",
        )
    if command.dry_run:
        raise CommandRefused("badParameter", "A decision cannot be tried.", remedy="Leave dryRun out.", field="dryRun")


async def start(command: Command, user: str, api: Api) -> tuple[ActionRef, asyncio.Future[Outcome]]:
    """Write the decision, or find it where the same user has decided so before.

    Args:
        command: What is decided, about which action, and why.
        user: Who decides.
        api: The API server, with the user's own credentials.

    Returns:
        The action, and the outcome, which is there at once.

    Raises:
        CommandRefused: where the action is gone, or waits for no decision.
        NotPermitted: where the user may not decide.
        ApiError: where the API server refuses it, as of an action that was decided about in between.

    """
    check(command)
    target, decision = command.target, DECISIONS[command.name]
    path = path_of(target)
    found = await look_up(
        api,
        path,
        target,
        called=target.name,
        remedy="It may have ended by itself; `kubectl get healingactions` shows which there are.",
    )
    spec, phase = found["spec"], (found.get("status") or {}).get("phase", "")
    decided = spec.get("approval") or {}
    created = not decided
    if decided and (decided.get("decision"), decided.get("by")) != (decision, user):
        raise CommandRefused(
            "decided",
            f"{decided.get('by') or 'Somebody'} has {_DONE.get(decided.get('decision', ''), 'decided')} this already.",
            remedy="A decision stands; ask for a new action where it was wrong.",
        )
    if not decided:
        if not spec.get("approvalRequired") or phase in FINISHED:
            why = f"it is {phase}" if phase in FINISHED else "it needs none"
            raise CommandRefused(
                "notWaiting", f"This action waits for no decision: {why}.", remedy="Look at its status.", field="target"
            )
        approval = {"decision": decision, "by": user} | ({"reason": command.reason[:1024]} if command.reason else {})
        await api.call("PATCH", path, body={"spec": {"approval": approval}}, content_type=MERGE_PATCH)
    sentence = f"{spec['action']} of {spec['target']['kind']} {spec['target']['name']} is {_DONE[decision]}."
    metadata = found["metadata"]
    reference = ActionRef(metadata.get("namespace", ""), metadata["name"], metadata["uid"], created, "", sentence)
    return reference, settled(sentence)
