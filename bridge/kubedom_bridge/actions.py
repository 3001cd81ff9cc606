"""From a command of a page to a HealingAction in the cluster, created with the user's own rights, and to its result.

In comes a `Command`; the target is looked up so that the action means this object and no later one of the same name;
out goes the name of the HealingAction. The idempotency key becomes the object's name, so a repeated click is one action
and the API server itself refuses the second. Who executes it, and how, is the operator's matter: its progress is seen
in the journal like every other event.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from .action_catalogue import ACTION_KINDS, TARGETS, ActionKind
from .errors import CommandRefused
from .kube import Api, ApiError, create_named
from .protocol import Command, Target
from .records import Ledger, Record

GROUP = "kubedom.dev"
VERSION = "v1alpha1"
PLURAL = "healingactions"
CLUSTER_PLURAL = "clusterhealingactions"
FINISHED = frozenset({"Succeeded", "Failed", "Denied", "Expired"})
#: A name, and part of a path in the API.
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
#: The parameters, with their types and what these are called.
PARAMETERS: Mapping[str, tuple[type, str]] = {
    "replicas": (int, "a number"),
    "revision": (int, "a number"),
    "image": (str, "a text"),
    "container": (str, "a text"),
    "force": (bool, "true or false"),
}
#: The events of the journal that tell of an action's end.
_ENDS = frozenset({"healingSucceeded", "healingFailed"})


class ActionRef(NamedTuple):
    """A HealingAction that exists; `created` is false where the same command had made it before."""

    namespace: str
    name: str
    uid: str
    created: bool
    phase: str
    message: str


class Outcome(NamedTuple):
    """How an action ended: one of `FINISHED`, and the operator's sentence."""

    phase: str
    message: str


def collection_path(namespace: str) -> str:
    """Where the HealingActions of a namespace are in the API; without one, the ClusterHealingActions."""
    root = f"/apis/{GROUP}/{VERSION}"
    return f"{root}/namespaces/{namespace}/{PLURAL}" if namespace else f"{root}/{CLUSTER_PLURAL}"


def target_path(target: Target) -> str:
    """Where the target is in the API."""
    return TARGETS[target.kind].path(target.namespace, target.name)


def action_namespace(target: Target) -> str:
    """The namespace of the action on a target; empty for a kind that has none."""
    return target.namespace if TARGETS[target.kind].namespaced else ""


def check(command: Command) -> None:
    """Refuse a command that no cluster could carry out.

    Raises:
        CommandRefused: with the field at fault.

    """
    action = ACTION_KINDS.get(command.name)
    if action is None:
        raise CommandRefused(
            "unknownCommand",
            f"The command {command.name[:80]!r} is not known.",
            remedy=f"Use one of: {', '.join(ACTION_KINDS)}.",
            field="name",
        )
    kinds = " or ".join(action.targets)
    if command.target.kind not in action.targets:
        raise CommandRefused(
            "badTarget",
            f"{command.name} acts on a {kinds}, not on {command.target.kind[:80]!r}.",
            remedy=f"Name a {kinds} as target.",
            field="target.kind",
        )
    check_names(command.target, namespaced=TARGETS[command.target.kind].namespaced)
    _check_parameters(command, action)


def check_names(target: Target, *, namespaced: bool) -> None:
    """Refuse a target that no object can have for its name or, where it has one, its namespace; errors as `check`."""
    named = {"target.name": target.name} | ({"target.namespace": target.namespace} if namespaced else {})
    for field, value in named.items():
        if not NAME.fullmatch(value):
            raise CommandRefused(
                "badTarget", f"{value[:80]!r} is not a Kubernetes name.", remedy=f"Correct {field}.", field=field
            )


def _check_parameters(command: Command, action: ActionKind) -> None:
    allowed = (*action.required, *action.optional)
    for name, value in command.parameters.items():
        if name not in allowed:
            raise CommandRefused(
                "badParameter",
                f"{action.name} has no parameter {name[:80]!r}.",
                remedy=f"It takes {', '.join(allowed)}." if allowed else "It takes none.",
                field=f"parameters.{name[:80]}",
            )
        wanted, called = PARAMETERS[name]
        # To Python true is a number too.
        if type(value) is not wanted:
            raise CommandRefused(
                "badParameter",
                f"The parameter {name} is {called}.",
                remedy=f"Correct parameters.{name}.",
                field=f"parameters.{name}",
            )
    for name in action.required:
        if name not in command.parameters:
            raise CommandRefused(
                "badParameter",
                f"{action.name} needs the parameter {name}.",
                remedy=f"Add parameters.{name}.",
                field=f"parameters.{name}",
            )


def object_name(command: Command, user: str) -> str:
    """Name the HealingAction: the same for the same user and idempotency key, else random."""
    dashed = re.sub("([A-Z])", r"-\1", command.name).lower()
    return f"{dashed}-{digest(command, user)}"


def digest(command: Command, user: str) -> str:
    """Make the part of a name that is the same for the same user and idempotency key, else random."""
    key = command.idempotency_key or secrets.token_hex(16)
    return hashlib.sha256(f"{user}\0{key}".encode()).hexdigest()[:16]


def manifest(command: Command, name: str, uid: str, user: str) -> dict[str, Any]:
    """Write the action of a command against the target with this uid."""
    spec: dict[str, Any] = {
        "action": command.name,
        "target": {"kind": command.target.kind, "name": command.target.name, "uid": uid},
        "requestedBy": user,
    }
    if command.parameters:
        spec["parameters"] = command.parameters
    if command.dry_run:
        spec["dryRun"] = True
    if command.reason:
        spec["reason"] = command.reason[:1024]
    namespace = action_namespace(command.target)
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "HealingAction" if namespace else "ClusterHealingAction",
        "metadata": {"name": name, "namespace": namespace} if namespace else {"name": name},
        "spec": spec,
    }


class ActionGateway:
    """Creates HealingActions as whoever asks for them, and tells how they end.

    Args:
        journal: Where the operator tells of an action's phases.
        not_healing: Says why actions are not carried out; an empty string when they are.

    """

    def __init__(self, journal: Ledger, not_healing: Callable[[], str] = lambda: "") -> None:
        self._not_healing = not_healing
        self._waiting: dict[tuple[str, str], list[asyncio.Future[Outcome]]] = {}
        self._unfollow = journal.follow(self._published)

    async def start(self, command: Command, user: str, api: Api) -> tuple[ActionRef, asyncio.Future[Outcome]]:
        """Create the action, or find it where the same command was given before.

        Args:
            command: What is to be done.
            user: Who asks.
            api: The API server, with the user's own credentials.

        Returns:
            What exists now, and its outcome to come.

        Raises:
            CommandRefused: where the target is gone or is another one by now, the key was used for something else, or
                healing is switched off.
            NotPermitted: where the user may not create it.

        """
        check(command)
        if why := self._not_healing():
            raise CommandRefused("healingOff", why, remedy="Tell who runs kubedom: its log says the same.")
        name = object_name(command, user)
        namespace = action_namespace(command.target)
        try:
            uid = await target_uid(api, command.target)
        except CommandRefused:
            # A repeated click may come when the first one has already removed the pod.
            if not command.idempotency_key or (known := await _find(api, namespace, name)) is None:
                raise
            uid = known["spec"]["target"].get("uid", "")
        # Waited for before it exists, so that not even the quickest operator finishes it unseen.
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault((namespace, name), [])
        waiting.append(outcome)
        outcome.add_done_callback(lambda _: self._forget(namespace, name, outcome))
        try:
            reference = await _create(api, command, name, uid, user)
        except BaseException:
            outcome.cancel()
            raise
        if reference.phase in FINISHED and not outcome.done():
            outcome.set_result(Outcome(reference.phase, reference.message))
        return reference, outcome

    def close(self) -> None:
        """Stop following the journal and give up what is waited for."""
        self._unfollow()
        for futures in tuple(self._waiting.values()):
            for future in tuple(futures):
                future.cancel()

    def _forget(self, namespace: str, name: str, outcome: asyncio.Future[Outcome]) -> None:
        futures = self._waiting.get((namespace, name), [])
        if outcome in futures:
            futures.remove(outcome)
        if not futures:
            self._waiting.pop((namespace, name), None)

    def _published(self, records: list[Record]) -> None:
        if not self._waiting:
            return
        for record in records:
            if record.type in _ENDS:
                detail = msgspec.json.decode(record.encoded)["detail"]
                for future in tuple(self._waiting.get((detail.get("namespace", ""), detail["actionName"]), ())):
                    if not future.done():
                        future.set_result(Outcome(detail["phase"], detail.get("message", "")))


def _reference(action: dict[str, Any], *, created: bool) -> ActionRef:
    metadata, status = action["metadata"], action.get("status") or {}
    return ActionRef(
        metadata.get("namespace", ""),
        metadata["name"],
        metadata["uid"],
        created,
        status.get("phase", ""),
        status.get("message", ""),
    )


def _full_name(target: Target) -> str:
    namespace = action_namespace(target)
    return f"{namespace}/{target.name}" if namespace else target.name


async def target_uid(api: Api, target: Target) -> str:
    """Give the uid that the target has now.

    Raises:
        CommandRefused: where it is gone, or is another one by now.

    """
    remedy = "Choose one that exists now; the page shows which."
    found = await look_up(api, target_path(target), target, called=_full_name(target), remedy=remedy)
    return str(found["metadata"]["uid"])


async def look_up(api: Api, path: str, target: Target, *, called: str, remedy: str) -> dict[str, Any]:
    """Read the object that a command is about.

    Args:
        api: The API server, as the user.
        path: Where it is in the API.
        target: What is meant; with a uid, no other object of its name.
        called: How the refusal names it, after its kind.
        remedy: What to do where it is gone.

    Raises:
        CommandRefused: where it is gone, or is another one by now.

    """
    gone = CommandRefused("targetGone", f"The {target.kind} {called} is gone.", remedy=remedy, field="target.name")
    try:
        found = await api.call("GET", path)
    except ApiError as error:
        if error.status == 404:
            raise gone from None
        raise
    if target.uid and target.uid != found["metadata"]["uid"]:
        raise gone
    return found


async def create_or_find(api: Api, path: str, wanted: dict[str, Any], kinds: str) -> tuple[dict[str, Any], bool]:
    """Create an object of kubedom's, or read the one that has its name already.

    Args:
        api: The API server, as the user.
        path: The collection's.
        wanted: The object.
        kinds: What its kind is called, in the plural.

    Returns:
        The object, and whether it was created.

    Raises:
        CommandRefused: where the cluster does not know the kind.
        NotPermitted: where the user may not create it.

    """
    try:
        return await create_named(api, path, wanted), True
    except ApiError as error:
        if error.status == 404:
            raise CommandRefused(
                "notInstalled",
                f"The cluster does not know {kinds}, or the namespace is gone.",
                remedy="Apply deploy/crds, or start `kubedom run`, which does.",
            ) from None
        if error.status != 409:
            raise
    return await api.call("GET", f"{path}/{wanted['metadata']['name']}"), False


def settled(sentence: str) -> asyncio.Future[Outcome]:
    """The outcome of a command that has succeeded with the request itself."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    outcome.set_result(Outcome("Succeeded", sentence))
    return outcome


async def _create(api: Api, command: Command, name: str, uid: str, user: str) -> ActionRef:
    wanted = manifest(command, name, uid, user)
    made, created = await create_or_find(
        api, collection_path(action_namespace(command.target)), wanted, "HealingActions"
    )
    if not created and _meaning(made["spec"]) != _meaning(wanted["spec"]):
        raise CommandRefused(
            "keyReused",
            "This idempotency key was used for another command.",
            remedy="Use a new key for a new command.",
            field="idempotencyKey",
        )
    return _reference(made, created=created)


def _meaning(spec: Mapping[str, Any]) -> tuple[object, ...]:
    """What makes two commands of one key the same."""
    target = spec["target"]
    return spec["action"], target["kind"], target["name"], spec.get("parameters") or {}, bool(spec.get("dryRun"))


async def _find(api: Api, namespace: str, name: str) -> dict[str, Any] | None:
    try:
        return await api.call("GET", f"{collection_path(namespace)}/{name}")
    except ApiError as error:
        if error.status == 404:
            return None
        raise
