"""Whether an action was judged: since when the policies are as they are, looked at before each action begins.

In come the policies as the API server has them; out comes why an action must not be carried out, an empty string where
it may. What is promised: nothing is begun that was created before the policies were in force, or while they were gone
or other than they should be, and nothing is begun while they are. Where this identity may put them back, it does.

An object's creation is by the API server's clock, and so are the changes of a policy, which its managed fields tell. A
policy takes a moment to come into force; how long is known where the canary was refused sooner, else it is assumed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kubedom_bridge.errors import KubedomError, NotPermitted
from kubedom_bridge.kube import Api, ApiError

from .admission import path_of, policies, server_time, start_admission
from .projection import seconds

LOOK_SECONDS = 60.0
#: For how long the policies are tried, and for how long it is believed that they are not in force.
TRY_SECONDS = 5.0
#: After which time a policy is in force at every API server.
IN_FORCE_SECONDS = 10.0

log = logging.getLogger(__name__)


class _Seen(NamedTuple):
    """The policies at one look: what they are, and when they became so; None where they may not be read."""

    what: str
    changed: float | None
    missing: bool


class Judge:
    """Keeps an eye on the policies of one cluster.

    Args:
        api: With the operator's credentials.
        namespace: The only namespace that is watched; None for all.
        tried: When the policies were shown to be in force, by the API server's clock, in seconds since the epoch.

    """

    def __init__(self, api: Api, namespace: str | None, tried: float) -> None:
        self._api = api
        self._namespace = namespace
        self._why = ""
        self._known: _Seen | None = None
        self._tried = self._since = tried
        self._paths: list[str] = []
        self._believed = 0.0
        self._looking = asyncio.Lock()

    @property
    def why(self) -> str:
        """Why nothing is begun at present; an empty string where actions are."""
        return self._why

    async def run(self) -> None:
        """Look again and again, so that pages hear of it also while nothing is asked for."""
        while True:
            try:
                await self.look()
            except KubedomError as problem:
                log.warning("Whether the API server judges actions cannot be looked at: %s", problem)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, *, quick: bool = False) -> str:
        """Look whether the policies are as they were when they were tried; if not, put them back and try them again.

        Args:
            quick: Whether what may not be read is taken to be as it was.

        Returns:
            Why nothing may be begun; an empty string where it may.

        Raises:
            KubedomError: where the API server cannot be asked.

        """
        async with self._looking:
            loop = asyncio.get_running_loop()
            if self._why and loop.time() < self._believed:
                return self._why
            first, seen = self._known is None and not self._why, await self._read()
            if not first and seen == self._known and (quick or seen.changed is not None):
                return ""
            if not first or seen.missing:
                why = await start_admission(self._api, self._namespace, deadline=TRY_SECONDS)
                self._believed = loop.time() + TRY_SECONDS
                if why != self._why:
                    log.warning("%s", why or "The API server judges actions again; healing goes on.")
                # Times of creation are whole seconds, rounded down, and within this one they were not in force.
                self._tried, seen = await server_time(self._api) + 1, await self._read()
                if seen.changed is None and not why and not self._why:
                    # What may not be read has only been tried once more.
                    self._tried = self._since
                self._why = why
            self._since = min(self._tried, math.inf if seen.changed is None else seen.changed + IN_FORCE_SECONDS)
            self._known = None if self._why else seen
            return self._why

    async def refusal(self, created_at: str) -> str:
        """Say why an action that was created then must not begin; an empty string where it may.

        Args:
            created_at: By the API server's clock, RFC 3339.

        Raises:
            KubedomError: where the API server cannot be asked.

        """
        if why := await self.look(quick=True):
            return why
        created = seconds(created_at)
        if created is None or created < int(self._since):
            return (
                "It was created before the API server judged actions, or while that was switched off,"
                " so nobody has judged who asked for it: create it again."
            )
        return ""

    async def _read(self) -> _Seen:
        if not self._paths:
            self._paths = [path_of(each) for each in await policies(self._api)]
        found: list[Any] = []
        changed, missing = 0.0, False
        for path in self._paths:
            try:
                read = await self._api.call("GET", path)
            except NotPermitted:
                return _Seen("", None, missing=False)
            except ApiError as error:
                if error.status != 404:
                    raise
                missing = True
            else:
                found.append([path, read["metadata"]["uid"], read["spec"]])
                changed = max(changed, _changed(read["metadata"]))
        return _Seen(json.dumps([found, changed], sort_keys=True), changed, missing)


def _changed(metadata: Mapping[str, Any]) -> float:
    """When an object became what it is; what only its status tells is no change."""
    times = [
        each["time"] for each in metadata.get("managedFields") or () if each.get("time") and not each.get("subresource")
    ]
    return max(filter(None, map(seconds, [*times, metadata.get("creationTimestamp") or ""])), default=0.0)
