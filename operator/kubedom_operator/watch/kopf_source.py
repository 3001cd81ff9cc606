"""The Kopf source: `on.event` handlers that feed a sink, and the care that Kopf needs.

The handlers write nothing to the objects and return None (Kopf would patch a returned value into the status). Kopf ends
as a whole when a watch request is refused, and loses the deletions that fall into a relist; so it is started again with
a back-off, and what is known is compared with a list of what exists after every start, every relist and at a slow
interval. Kopf's events may be behind that list: what it showed to be gone stays gone, whatever comes of it later.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any, cast

import kopf

from kubedom_bridge.credentials import ClusterChoice, load_configuration
from kubedom_bridge.errors import KubedomError
from kubedom_bridge.kube import Api
from kubedom_operator.projection import KINDS, UnreadableObject, from_object, minimal

from .reconcile import listed_uids
from .seam import STALE_TIMES, Sink

RECONCILE_SECONDS = 300.0
RELIST_SETTLE_SECONDS = 1.0
RESTART_SECONDS = (0.5, 30.0)
#: After how many seconds credentials that could not be read are read again.
LOGIN_SECONDS = 5.0
#: How many objects of a kind are remembered as gone; events that are still on their way are of the last few.
REMEMBERED = 10_000

log = logging.getLogger(__name__)
Handler = Callable[[str | None, Mapping[str, Any]], None]


class _NoProgress(kopf.ProgressStorage):
    """Nothing is kept in objects that are only watched, so nothing is looked for either."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: Any) -> Any:
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """No differences are computed, for `on.event` has none; they would be 43 % of the CPU time."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _EndlessBackoff:
    """Kopf's own retries of a request; iterated anew for each."""

    def __iter__(self) -> Iterator[float]:
        delay = 0.5
        while True:
            yield random.uniform(delay / 2, delay)  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, 15.0)


class KopfSource:
    """Watches kinds through Kopf handlers.

    Args:
        choice: The cluster; credentials are read again whenever they are refused.
        api: The same cluster, for the comparison.
        kinds: The kinds of the projection to feed to the sink.
        sink: Where changes go.
        namespace: One namespace, or None for all.
        extra: Handlers for other resources, by `plural.group`.
        reconcile_seconds: The slow interval of the comparison.

    """

    def __init__(
        self,
        choice: ClusterChoice,
        api: Api,
        kinds: Collection[str],
        sink: Sink,
        *,
        namespace: str | None = None,
        extra: Mapping[str, Handler] | None = None,
        reconcile_seconds: float = RECONCILE_SECONDS,
    ) -> None:
        self._choice = choice
        self._api = api
        self._kinds = tuple(kinds)
        self._sink = sink
        self._namespace = namespace
        self._extra = dict(extra or {})
        self._reconcile_seconds = reconcile_seconds
        self._versions: dict[str, dict[str, str]] = {kind: {} for kind in self._kinds}
        # In the order in which they were found to be gone; a uid is never used again.
        self._found_gone: dict[str, dict[str, None]] = {kind: {} for kind in self._kinds}
        self._synced: set[str] = set()
        self._relisted = asyncio.Event()
        # Kopf runs and has credentials. It does not say that it watches, and of a kind without objects tells nothing.
        self._runs = asyncio.Event()
        self._heard = dict.fromkeys(self._kinds, time.monotonic())

    @property
    def stale_seconds(self) -> float:
        """After how many seconds without hearing of a kind its watch does not work any more."""
        return STALE_TIMES * self._reconcile_seconds

    def age(self) -> float:
        """How many seconds ago the API server was heard of the kind of which that is longest; 0 without kinds.

        A quiet kind is heard of by its comparison, so up to `RECONCILE_SECONDS` are ordinary.
        """
        return time.monotonic() - min(self._heard.values(), default=time.monotonic())

    def heard(self, kind: str) -> float | None:
        """When Kopf last told of a kind, in monotonic seconds; None where it is not watched here."""
        return self._heard.get(kind)

    async def run(self) -> None:
        """Watch until cancelled, through every outage."""
        # Made before Kopf starts: on its way out Kopf cancels every task that is younger than itself.
        comparing = asyncio.create_task(self._compare(), name="reconcile")
        try:
            await self._supervise()
        finally:
            comparing.cancel()

    async def _supervise(self) -> None:
        delay, longest = RESTART_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            reason = "it ended"
            try:
                await kopf.operator(
                    registry=self._registry(),
                    settings=self._settings(),
                    standalone=True,
                    # Else it asks for the user's name, which a user of a container need not have.
                    identity=cast(Any, "kubedom"),
                    clusterwide=self._namespace is None,
                    namespaces=[self._namespace] if self._namespace is not None else [],
                )
            except Exception as error:
                reason = str(error) or type(error).__name__
            if loop.time() - started > 60:
                delay = RESTART_SECONDS[0]
            log.warning("The watch ended (%s); it starts again.", reason)
            self._runs.clear()
            for kind in self._kinds:
                self._sink.trouble(kind, f"its watch ended ({reason})")
            # So that it is looked at when it runs again, also where there is nothing to tell.
            self._relisted.set()
            await asyncio.sleep(random.uniform(0, delay))  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, longest)

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.persistence.progress_storage = _NoProgress()
        settings.persistence.diffbase_storage = _NoDiffBase()
        settings.watching.chunk_size = 250
        settings.watching.inactivity_timeout = 70.0
        settings.networking.connect_timeout = 10.0
        settings.networking.error_backoffs = _EndlessBackoff()
        settings.queueing.exit_timeout = 0.5
        return settings

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry, backoff=LOGIN_SECONDS)
        async def login(**_: Any) -> kopf.ConnectionInfo:
            configuration, _name = await load_configuration(self._choice)
            # With its scheme before it: `Bearer` from a kubeconfig, `bearer` from a pod's service account.
            token = configuration.api_key.get("BearerToken", "").rpartition(" ")[2].strip()
            self._runs.set()
            return kopf.ConnectionInfo(
                server=configuration.host,
                ca_path=configuration.ssl_ca_cert,
                ca_data=configuration.ca_cert_data if not configuration.ssl_ca_cert else None,
                insecure=not configuration.verify_ssl,
                certificate_path=configuration.cert_file,
                private_key_path=configuration.key_file,
                scheme="Bearer" if token else None,
                token=token or None,
            )

        for kind in self._kinds:
            info = KINDS[kind]
            kopf.on.event(
                group=info.group, version=info.version, plural=info.plural, registry=registry, id=f"watch-{info.plural}"
            )(self._handler(kind))
        for resource, handler in self._extra.items():
            plural, _, group = resource.partition(".")
            kopf.on.event(group=group, plural=plural, registry=registry, id=f"watch-{plural}")(_adapted(handler))
        return registry

    def _handler(self, kind: str) -> Callable[..., Awaitable[None]]:
        versions, found_gone, sink = self._versions[kind], self._found_gone[kind], self._sink
        heard = self._heard

        async def observe(event: kopf.RawEvent, **_: Any) -> None:
            heard[kind] = time.monotonic()
            change, body = event["type"], event["object"]
            metadata = body["metadata"]
            uid, version = metadata["uid"], metadata["resourceVersion"]
            if change == "DELETED":
                # The sink may know it from before the start.
                if versions.pop(uid, None) is not None or uid in sink.known(kind):
                    sink.gone(kind, uid, version)
                return
            if change is None and kind in self._synced:
                self._relisted.set()
            if uid in found_gone or versions.get(uid) == version:
                return
            versions[uid] = version
            try:
                sink.changed(kind, from_object(kind, body))
            except UnreadableObject as problem:
                sink.unreadable(problem, minimal(kind, body))

        return observe

    async def _compare(self) -> None:
        """Compare what is known with what exists: at the start, after a relist, and now and then."""
        while True:
            complete = True
            for kind in self._kinds:
                try:
                    complete = await self._compare_kind(kind) and complete
                except Exception:
                    # Without its comparison Kopf keeps every deletion that it missed for ever.
                    log.exception("%s could not be compared.", kind)
                    complete = False
                    await asyncio.sleep(RESTART_SECONDS[1])
            if not complete:
                continue
            self._relisted.clear()
            try:
                async with asyncio.timeout(self._reconcile_seconds):
                    await self._relisted.wait()
                # Kopf hands a relist over object by object; comparing before its end would only have to be repeated.
                await asyncio.sleep(RELIST_SETTLE_SECONDS)
            except TimeoutError:
                pass

    async def _compare_kind(self, kind: str) -> bool:
        """Compare one kind; False where its first list is not complete yet or cannot be made, or Kopf does not run."""
        try:
            async with asyncio.timeout(RESTART_SECONDS[1]):
                await self._runs.wait()
        except TimeoutError:
            return False
        # What is created while the list is made may be missing in it.
        before = set(self._sink.known(kind))
        try:
            listed = await listed_uids(self._api, kind, self._namespace)
        except KubedomError as problem:
            self._sink.trouble(kind, str(problem))
            await asyncio.sleep(1.0)
            return False
        self._heard[kind] = time.monotonic()
        self._sink.trouble(kind, "")
        # Of some of them Kopf may have told meanwhile.
        gone = before.intersection(self._sink.known(kind)) - listed
        for uid in gone:
            self._bury(kind, uid)
        if gone:
            log.info("%s: %d deletions had been missed.", kind, len(gone))
        if kind in self._synced:
            return True
        if not await self._all_known(kind, listed):
            return False
        self._synced.add(kind)
        self._sink.synced(kind)
        return True

    def _bury(self, kind: str, uid: str) -> None:
        self._versions[kind].pop(uid, None)
        found_gone = self._found_gone[kind]
        found_gone[uid] = None
        if len(found_gone) > REMEMBERED:
            del found_gone[next(iter(found_gone))]
        self._sink.gone(kind, uid)

    async def _all_known(self, kind: str, listed: set[str]) -> bool:
        """Wait for Kopf to hand over its first list; what was deleted meanwhile asks for a new comparison."""
        for _ in range(40):
            # What the sink knows may be from before the start, and of then.
            if listed <= self._versions[kind].keys():
                return True
            await asyncio.sleep(0.05)
        return False


def _adapted(handler: Handler) -> Callable[..., Awaitable[None]]:
    async def observe(event: kopf.RawEvent, **_: Any) -> None:
        handler(event["type"], event["object"])

    return observe
