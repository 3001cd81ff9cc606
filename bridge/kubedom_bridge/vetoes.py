"""From the command `vetoHealing` to a HealingVeto in the cluster, created with the user's own rights.

In comes a `Command` whose target is the failing object, or the workload that it belongs to, and whose parameter `until`
says how long nothing is to be done about it; out goes the name of the HealingVeto. Whether the user may is for the API
server to say, which is asked to create it as them. Until its time the operator's policies leave the object alone; to
lift it sooner, the HealingVeto is deleted.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from .action_catalogue import TARGETS
from .actions import (
    GROUP,
    VERSION,
    ActionRef,
    Outcome,
    check_names,
    create_or_find,
    digest,
    settled,
    target_uid,
)
from .errors import CommandRefused
from .kube import Api
from .protocol import Command

COMMAND = "vetoHealing"
PLURAL = "healingvetoes"
LONGEST = timedelta(hours=24)


def collection_path(namespace: str) -> str:
    """Where the HealingVetoes of a namespace are in the API."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"


def check(command: Command, now: datetime) -> datetime:
    """Give the time until which the veto is to hold, in UTC and whole seconds.

    Raises:
        CommandRefused: with the field at fault.

    """
    kind = TARGETS.get(command.target.kind)
    if kind is None or not kind.namespaced:
        namespaced = ", ".join(name for name, each in TARGETS.items() if each.namespaced)
        raise CommandRefused(
            "badTarget",
            f"A policy does nothing about a {command.target.kind[:80]}, so there is nothing to hold.",
            remedy=f"Name one of: {namespaced}.",
            field="target.kind",
        )
    given = command.parameters.get("until")
    try:
        until = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        raise CommandRefused(
            "badParameter",
            f"{str(given)[:80]!r} is no time.",
            remedy="Write it as RFC 3339, as 2030-01-31T12:00:00Z.",
            field="parameters.until",
        )
    if not now < until <= now + LONGEST:
        raise CommandRefused(
            "badParameter",
            "A veto holds from now on and for 24 hours at most.",
            remedy="Choose a time within the next 24 hours; it can be given again.",
            field="parameters.until",
        )
    incident = command.parameters.get("incident", "")
    if not isinstance(incident, str) or len(incident) > 64:
        raise CommandRefused(
            "badParameter",
            "The incident is no incident's id.",
            remedy="Take it from the event's incident.id, or leave it out.",
            field="parameters.incident",
        )
    return until.astimezone(UTC).replace(microsecond=0)


def object_name(command: Command, user: str) -> str:
    """Name the HealingVeto: the same for the same user and idempotency key, else random."""
    return f"veto-{digest(command, user)}"


def manifest(command: Command, name: str, uid: str, user: str, until: datetime) -> dict[str, Any]:
    """Write the HealingVeto of a command against the target with this uid."""
    spec: dict[str, Any] = {
        "target": {"kind": command.target.kind, "name": command.target.name, "uid": uid},
        "until": until.isoformat().replace("+00:00", "Z"),
        "requestedBy": user,
    }
    if command.parameters.get("incident"):
        spec["incident"] = command.parameters["incident"]
    if command.reason:
        spec["reason"] = command.reason[:1024]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "HealingVeto",
        "metadata": {"name": name, "namespace": command.target.namespace},
        "spec": spec,
    }


async def start(command: Command, user: str, api: Api) -> tuple[ActionRef, asyncio.Future[Outcome]]:
    """Create the veto, or find it where the same command was given before.

    Args:
        command: What is to be held.
        user: Who asks.
        api: The API server, with the user's own credentials.

    Returns:
        What exists now, and the outcome, which is there at once.

    Raises:
        CommandRefused: where the target is gone, or the time is none.
        NotPermitted: where the user may not create it.

    """
    until = check(command, datetime.now(UTC))
    target, name = command.target, object_name(command, user)
    check_names(target, namespaced=True)
    wanted = manifest(command, name, await target_uid(api, target), user, until)
    made, created = await create_or_find(api, collection_path(target.namespace), wanted, "HealingVetoes")
    sentence = f"No policy does anything about {target.kind} {target.name} until {made['spec']['until']}."
    reference = ActionRef(target.namespace, name, made["metadata"]["uid"], created, "Succeeded", sentence)
    return reference, settled(sentence)
