"""From the commands `approveHealing` and `denyHealing` to the decision about an action that waits, written as the user.

In comes a `Command` whose target is the HealingAction or ClusterHealingAction; out goes its reference, and an outcome
that is there at once: what the action then does is told by its own events. Whether the user may decide is for the API
server to say, whose admission also keeps whoever asked for the action from approving it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .actions import FINISHED, NAME, ActionRef, Outcome, collection_path
from .errors import CommandRefused
from .kube import MERGE_PATCH, Api, ApiError
from .protocol import Command, Target

DECISIONS = {"approveHealing": "Approve", "denyHealing": "Deny"}
_DONE = {"Approve": "approved", "Deny": "denied"}
#: The kinds of actions, and whether they are in a namespace.
KINDS = {"HealingAction": True, "ClusterHealingAction": False}


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
    named = {"target.name": target.name} | ({"target.namespace": target.namespace} if KINDS[target.kind] else {})
    for field, value in named.items():
        if not NAME.fullmatch(value):
            raise CommandRefused(
                "badTarget", f"{value[:80]!r} is not a Kubernetes name.", remedy=f"Correct {field}.", field=field
            )
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
    path = f"{collection_path(target.namespace if KINDS[target.kind] else '')}/{target.name}"
    found = await _find(api, path, target)
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
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    outcome.set_result(Outcome("Succeeded", sentence))
    metadata = found["metadata"]
    reference = ActionRef(metadata.get("namespace", ""), metadata["name"], metadata["uid"], created, "", sentence)
    return reference, outcome


async def _find(api: Api, path: str, target: Target) -> dict[str, Any]:
    gone = CommandRefused(
        "targetGone",
        f"The {target.kind} {target.name} is gone.",
        remedy="It may have ended by itself; `kubectl get healingactions` shows which there are.",
        field="target.name",
    )
    try:
        found = await api.call("GET", path)
    except ApiError as error:
        if error.status == 404:
            raise gone from None
        raise
    if target.uid and target.uid != found["metadata"]["uid"]:
        raise gone
    return found
