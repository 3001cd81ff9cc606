"""`POST /api/deploy`: without a body what configuration names is started, else what its fields or manifest say.

The fields of one deployment become HealingActions, which the operator carries out; a manifest is applied server-side as
the user. Either way the API server judges it with the user's own rights.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kubedom_bridge import bodies
from kubedom_bridge.actions import ActionRef, check
from kubedom_bridge.bodies import BadBody
from kubedom_bridge.errors import CommandRefused
from kubedom_bridge.identity import Identity
from kubedom_bridge.protocol import Command, Target
from kubedom_bridge.site import Site, peer

from . import applying, manifests
from .asking import answered, namespace_of, truth_of

# The page's author names the default by this cookie, which the SDK sets from an attribute.
DEFAULT_DEPLOYMENT_COOKIE = "kubedom_default_deployment"
LONGEST_BODY = 262_144
FIELDS = ("namespace", "name", "image", "container", "replicas", "manifest", "dryRun", "idempotencyKey")
REASON = "POST /api/deploy"
#: A second start of the default within so many seconds is the first one again.
AGAIN_SECONDS = 2.0


class Starts:
    """Makes one start of two: a button that is clicked twice, or whose click two listeners of a page answer.

    Args:
        clock: Monotonic seconds.

    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._latest: dict[tuple[str, str], tuple[float, str]] = {}

    def key(self, user: str, named: str) -> str:
        """Give the idempotency key of a start of this deployment by this user."""
        now = self._clock()
        self._latest = {who: (at, key) for who, (at, key) in self._latest.items() if now - at < AGAIN_SECONDS}
        return self._latest.setdefault((user, named), (now, f"default {secrets.token_hex(16)}"))[1]


def deploy_route(site: Site) -> Route:
    """Make the route, as below `/api`."""
    starts = Starts(time.monotonic)

    async def start(request: Request) -> Response:
        identity = await site.identify(request)
        kind, sent = bodies.media_type(request), await bodies.body(request, LONGEST_BODY)
        if not sent:
            named = unquote(request.cookies.get(DEFAULT_DEPLOYMENT_COOKIE, "")) or site.default_deployment
            if not named and site.default_manifest is not None:
                asked = {"manifest": await asyncio.to_thread(_read, site.default_manifest)}
                return await _apply(site, identity, peer(request), asked)
            commands = [_default(named, starts.key(identity.user.name, named))]
        else:
            asked = bodies.fields(kind, sent, FIELDS)
            if "manifest" in asked:
                return await _apply(site, identity, peer(request), asked)
            commands = _commands(asked)
        for command in commands:
            check(command)
        made = [_told(await site.commands.start(command, identity, peer(request))) for command in commands]
        several = {"healingActions": made} if len(made) > 1 else {}
        return JSONResponse({"healingAction": made[0]} | several, HTTPStatus.ACCEPTED)

    return Route("/deploy", answered(start), methods=["POST"])


def _default(named: str, key: str) -> Command:
    if not named:
        raise CommandRefused(
            "noDefaultDeployment",
            "No deployment was named as the default.",
            remedy="Start kubedom with --default-deployment NAMESPACE/NAME or --default-manifest FILE, or write "
            '<kube-cluster default-deployment="namespace/name"> in the page.',
            field="default-deployment",
        )
    namespace, _, name = named.rpartition("/")
    target = Target(kind="Deployment", namespace=namespace or "default", name=name)
    return Command(id="deploy", name="restartDeployment", target=target, idempotency_key=key, reason=REASON)


def _read(manifest: Path) -> str:
    """Read the default manifest, each time, so that a deployment is of what the file says then.

    Raises:
        CommandRefused: where it cannot be read.

    """
    try:
        return manifest.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandRefused(
            "noDefaultDeployment",
            f"The default manifest cannot be read: {error}.",
            remedy="Tell who runs kubedom: --default-manifest names it.",
            field="default-manifest",
        ) from None


def _commands(asked: Mapping[str, Any]) -> list[Command]:
    """What the fields ask for: another image, another number of pods, or else the same anew.

    Raises:
        BadBody: where a field is not what it has to be.

    """
    target = Target(kind="Deployment", namespace=_text(asked, "namespace") or "default", name=_text(asked, "name"))
    if not target.name:
        raise BadBody(422, "No deployment is named.", remedy="Send its name, and its namespace.", field="name")
    key, dry_run = _text(asked, "idempotencyKey"), truth_of(asked.get("dryRun", False), "dryRun")
    image, container = _text(asked, "image"), _text(asked, "container")
    wanted: list[tuple[str, dict[str, Any]]] = []
    if image:
        wanted.append(("setImage", {"image": image} | ({"container": container} if container else {})))
    elif container:
        raise BadBody(422, "A container is named, and no image for it.", remedy="Send the image.", field="image")
    replicas = asked.get("replicas")
    if replicas is not None and replicas != "":
        wanted.append(("scale", {"replicas": _replicas(replicas)}))
    return [
        Command(
            id="deploy",
            name=action,
            target=target,
            parameters=parameters,
            dry_run=dry_run,
            idempotency_key=f"{action} {key}" if key else "",
            reason=REASON,
        )
        for action, parameters in wanted or [("restartDeployment", {})]
    ]


def _text(asked: Mapping[str, Any], field: str) -> str:
    value = asked.get(field)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 1024:
        raise BadBody(422, f"{field} is no text of at most 1,024 characters.", remedy="Correct it.", field=field)
    return value.strip()


def _replicas(value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    # To Python true is a number too.
    if type(value) is not int or not 0 <= value < 2**31:
        raise BadBody(
            422, f"{str(value)[:80]!r} is no number of pods.", remedy="Send a whole number.", field="replicas"
        )
    return value


def _told(made: ActionRef) -> dict[str, str]:
    return {"namespace": made.namespace, "name": made.name, "uid": made.uid}


async def _apply(site: Site, identity: Identity, source: str, asked: Mapping[str, Any]) -> Response:
    for field in asked:
        if field not in {"manifest", "namespace", "dryRun"}:
            raise BadBody(422, f"{field} says nothing beside a manifest.", remedy="Leave it out.", field=field)
    namespace = namespace_of(_text(asked, "namespace") or "default")
    dry_run = truth_of(asked.get("dryRun", False), "dryRun")
    # YAML takes its time, and others are waiting.
    wanted = await asyncio.to_thread(manifests.objects, asked["manifest"])
    api = site.authority.api(identity)
    site.commands.ask(identity)
    kinds = applying.Kinds(api)
    places = [(await kinds.place(one, namespace), one) for one in wanted]
    what = ("dry run of " if dry_run else "") + "apply " + ", ".join(str(place) for place, _ in places)
    with site.commands.change(identity, source, what):
        applied = await applying.apply_all(api, places, dry_run=dry_run)
    return JSONResponse({"applied": applied, "dryRun": dry_run}, HTTPStatus.OK if dry_run else HTTPStatus.ACCEPTED)
