"""The stream source against a server that misbehaves on purpose; a real API server's part is in tests/cluster."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubedom_bridge.errors import ConfigurationError
from kubedom_bridge.kube import Api, ClusterChoice
from kubedom_operator.watch.stream import StreamSource

from .mirror_sink import MirrorSink, eventually
from .scripted import ScriptedServer, line, raw, refusal, scripted_server, status


class Run:
    """A source that runs against a scripted server."""

    def __init__(self, server: ScriptedServer, api: Api, kubeconfig: Path) -> None:
        self.server, self.api, self.kubeconfig = server, api, kubeconfig
        self.sink = MirrorSink()
        self.waits: list[float] = []
        self.source: StreamSource
        self.task: asyncio.Task[None] | None = None

    def start(self, kinds: tuple[str, ...] = ("Pod",), **options: Any) -> StreamSource:
        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.sleep(min(seconds, 0.01))

        self.source = StreamSource(self.api, kinds, self.sink, rng=random.Random(4), sleep=sleep, **options)
        self.task = asyncio.create_task(self.source.run())
        return self.source

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with suppress(asyncio.CancelledError):
                await self.task
        await self.api.close()

    async def equal(self) -> None:
        """Wait until the sink knows just what the server has."""
        await eventually(lambda: self.sink.versions.get("Pod", {}) == self._versions(), "the mirror is not the list")
        assert self.sink.broken_promises == []
        assert max(self.sink.deletions.values(), default=1) == 1

    def _versions(self) -> dict[str, str]:
        return {p["metadata"]["uid"]: p["metadata"]["resourceVersion"] for p in self.server.pods.values()}


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    async with scripted_server() as server:
        kubeconfig = tmp_path / "kubeconfig"
        write_kubeconfig(kubeconfig, server.url, "first")
        run = Run(server, await Api.connect(ClusterChoice(str(kubeconfig))), kubeconfig)
        try:
            yield run
        finally:
            await run.stop()


def write_kubeconfig(path: Path, url: str, token: str) -> None:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(content))


async def watching(run: Run, times: int = 1) -> None:
    await eventually(lambda: run.source.counts("Pod").watches >= times, f"no watch number {times}")


async def test_lists_in_pages_and_then_watches_from_there(run: Run) -> None:
    for number in range(7):
        run.server.put(f"pod-{number}")
    run.start(page_size=3)
    await watching(run)
    await run.equal()
    assert run.sink.told[-1] == ("synced", "Pod", "")
    assert [request.query.get("continue") for request in run.server.list_requests] == [None, "3", "6"]
    assert not any("resourceVersion" in request.query for request in run.server.list_requests)
    watch = run.server.watch_requests[0].query
    assert watch["resourceVersion"] == str(run.server.version)
    assert watch["allowWatchBookmarks"] == "true"
    assert 290 <= int(watch["timeoutSeconds"]) <= 590


async def test_tells_changes_and_deletions_with_their_version(run: Run) -> None:
    run.server.put("a")
    run.start()
    await watching(run)
    run.server.put("a")
    run.server.put("b")
    run.server.delete("a")
    await run.equal()
    assert run.sink.told[-3:] == [("changed", "a", "102"), ("changed", "b", "103"), ("gone", "a", "104")]


async def test_a_broken_connection_is_resumed_without_a_list(run: Run) -> None:
    run.server.put("a")
    run.server.put("b")
    run.start()
    await watching(run)
    run.server.cut()
    run.server.delete("a")
    run.server.put("c")
    await watching(run, 2)
    await run.equal()
    assert run.source.counts("Pod").lists == 1
    assert ("gone", "a", "103") in run.sink.told
    assert run.sink.troubles == []


async def test_resumes_from_a_bookmark(run: Run) -> None:
    run.server.put("a")
    run.start()
    await watching(run)
    run.server.bookmark()
    await eventually(lambda: run.source.counts("Pod").lines == 1)
    run.server.forget_history()
    run.server.cut()
    await watching(run, 2)
    assert run.server.watch_requests[-1].query["resourceVersion"] == str(run.server.version)
    assert run.source.counts("Pod").lists == 1


@pytest.mark.parametrize("how", ["http", "line"])
async def test_too_old_leads_to_a_list_that_replaces(run: Run, how: str) -> None:
    for name in "abc":
        run.server.put(name)
    run.start()
    await watching(run)
    if how == "http":
        run.server.watches.append(status(410, "Expired", "too old resource version: 1 (2)"))
    else:
        run.server.watches.append(raw(line("ERROR", refusal(410, "Expired", "too old resource version: 1 (2)"))))
    run.server.cut()
    run.server.delete("a")
    await eventually(lambda: run.source.counts("Pod").lists == 2, "no second list")
    await run.equal()
    assert run.sink.syncs == {"Pod": 1}


async def test_what_was_missed_behind_a_410_is_told_once(run: Run) -> None:
    for name in "abc":
        run.server.put(name)
    run.start()
    await watching(run)
    old = run.server.pods["b"]["metadata"]["uid"]
    run.server.watches.append(status(500, "InternalError", "not yet"))
    # While nobody watches: one goes, one goes and comes again under its name, one changes, one is new.
    run.server.cut()
    run.server.delete("a")
    run.server.delete("b")
    run.server.put("b")
    run.server.put("c")
    run.server.put("d")
    run.server.forget_history()
    await eventually(lambda: run.source.counts("Pod").lists == 2)
    await run.equal()
    assert run.sink.names_of("Pod") == {"b", "c", "d"}
    assert run.sink.deletions[old] == 1
    assert ("gone", "a", "") in run.sink.told


async def test_an_expired_continue_token_begins_the_list_again_with_larger_pages(run: Run) -> None:
    for number in range(20):
        run.server.put(f"pod-{number}")

    async def second_page(request: Any) -> Any:
        run.server.delete("pod-0")
        return await status(410, "Expired", "The provided continue parameter is too old")(request)

    run.server.lists += [run.server._list, second_page]
    run.start(page_size=5)
    await watching(run)
    await run.equal()
    assert [request.query["limit"] for request in run.server.list_requests] == ["5", "5", "50"]
    assert run.sink.deletions.total() == 1
    assert sum(1 for told in run.sink.told if told[1] == "pod-1") == 1


async def test_a_list_goes_on_where_the_connection_broke(run: Run) -> None:
    for number in range(9):
        run.server.put(f"pod-{number}")

    async def broken(request: Any) -> Any:
        request.transport.abort()
        return await status(500)(request)

    run.server.lists += [run.server._list, broken]
    run.start(page_size=3)
    await watching(run)
    await run.equal()
    assert [request.query.get("continue") for request in run.server.list_requests] == [None, "3", "3", "6"]


@pytest.mark.parametrize("answers", ["lists", "watches"])
async def test_429_waits_as_long_as_the_server_asks(run: Run, answers: str) -> None:
    run.server.put("a")
    getattr(run.server, answers).append(status(429, "TooManyRequests", "slow down", **{"Retry-After": "17"}))
    run.start()
    await watching(run)
    await run.equal()
    assert len(run.waits) == 1
    assert 17 <= run.waits[0] <= 17.5
    assert "overloaded" in run.sink.troubles[0]
    assert run.sink.troubles[-1] == ""


async def test_credentials_that_are_refused_are_read_again(run: Run) -> None:
    run.server.put("a")
    run.server.token = "first"
    run.start(("Pod", "Node"))
    await watching(run)
    run.server.token = "second"
    write_kubeconfig(run.kubeconfig, run.server.url, "second")
    run.server.cut()
    await watching(run, 2)
    run.server.put("b")
    await run.equal()
    assert run.sink.troubles == []


async def test_credentials_that_stay_refused_are_said_and_tried_again(run: Run) -> None:
    run.server.token = "other"
    run.start()
    await eventually(lambda: len(run.waits) > 3)
    assert "does not accept the credentials" in run.sink.troubles[0]
    write_kubeconfig(run.kubeconfig, run.server.url, "other")
    await watching(run)
    assert run.sink.troubles[-1] == ""


@pytest.mark.parametrize(("code", "says"), [(403, "Grant list and watch of pods"), (404, "does not serve pods of v1")])
async def test_a_missing_right_or_kind_is_said_once_and_tried_seldom(run: Run, code: int, says: str) -> None:
    run.server.lists += [status(code, "Reason", "pods is forbidden")] * 3
    run.start()
    await watching(run)
    assert len(run.sink.troubles) == 2
    assert says in run.sink.troubles[0]
    assert run.sink.troubles[1] == ""
    assert all(wait >= 30 for wait in run.waits[:3])


async def test_a_silent_connection_is_left_and_resumed(run: Run) -> None:
    run.server.put("a")
    run.server.watches += [raw(then_silence=True), raw(then_silence=True)]
    run.start(inactivity=0.2)
    await eventually(lambda: run.source.counts("Pod").watches >= 3)
    run.server.put("b")
    await run.equal()
    assert run.source.counts("Pod").lists == 1
    assert "was silent for 0.2 s" in run.sink.troubles[0]


async def test_a_quiet_kind_is_heard_of_with_every_watch_that_begins(run: Run) -> None:
    now = [0.0]
    run.server.watches += [raw(then_silence=True)] * 20
    source = run.start(inactivity=0.2, clock=lambda: now[0])
    await watching(run)
    begun = source.counts("Pod").watches
    now[0] = 500.0
    assert source.age() > source.stale_seconds
    # The next one may have begun before.
    await watching(run, begun + 2)
    assert source.age() == 0.0
    assert source.counts("Pod").lines == 0


async def test_a_line_may_be_larger_than_any_buffer(run: Run) -> None:
    run.start()
    await watching(run)
    run.server.put("large", spec={"containers": [{"name": "x" * 9_000_000}]})
    await run.equal()


async def test_half_a_line_of_a_broken_stream_is_not_read(run: Run) -> None:
    run.server.put("a")
    pod = run.server.put("b")
    run.server.version += 1
    newer = {**pod, "metadata": {**pod["metadata"], "resourceVersion": str(run.server.version)}}
    run.server.watches.append(raw(line("MODIFIED", newer)[:-30]))
    run.server.pods["b"] = newer
    run.server.history.append((run.server.version, line("MODIFIED", newer)))
    run.server.lists.append(_page([run.server.pods["a"], pod], run.server.version - 1))
    run.start()
    await run.equal()


async def test_what_is_no_json_is_left_behind(run: Run) -> None:
    run.server.watches += [raw(b"<html>busy</html>\n")] * 3
    run.start()
    await watching(run, 4)
    run.server.put("a")
    await run.equal()
    assert "cannot be read" in run.sink.troubles[0]
    assert run.source.counts("Pod").lists == 1


async def test_a_version_that_the_server_does_not_take_leads_to_a_list(run: Run) -> None:
    run.server.put("a")
    run.server.watches += [status(504, "Timeout", "Too large resource version: 9, current: 5")] * 2
    run.start()
    await watching(run)
    await run.equal()
    assert run.source.counts("Pod").lists == 2


async def test_an_object_that_cannot_be_read_is_counted_once_and_shown(run: Run) -> None:
    run.server.put("good")
    run.server.put("bad", status={"phase": {"not": "text"}})
    run.start()
    await watching(run)
    run.server.put("bad", status={"phase": {"not": "text"}})
    run.server.put("worse", spec=[])
    await run.equal()
    assert run.source.counts("Pod").unreadable == 2
    assert {field for _, field in run.sink.unreadables} == {"status.phase", "spec"}
    run.server.delete("bad")
    run.server.put("worse")
    await run.equal()
    assert run.sink.deletions.total() == 1


async def test_a_namespace_restricts_only_kinds_that_have_one(run: Run) -> None:
    run.start(("Pod", "Deployment", "Node"), namespace="team")
    await eventually(lambda: len(run.server.watch_requests) == 3)
    assert {request.path for request in run.server.requests} == {
        "/api/v1/namespaces/team/pods",
        "/apis/apps/v1/namespaces/team/deployments",
        "/api/v1/nodes",
    }


async def test_kinds_come_and_go_while_it_runs(run: Run) -> None:
    run.server.put("a")
    run.server.put("b")
    source = run.start(("Node",))
    await eventually(lambda: source.counts("Node").watches == 1)
    source.add_kind("Pod")
    source.add_kind("Pod")
    await watching(run)
    await source.remove_kind("Pod")
    await source.remove_kind("Pod")
    assert source.kinds == ("Node",)
    run.server.put("c")
    run.server.delete("a")
    await asyncio.sleep(0.05)
    assert run.sink.names_of("Pod") == {"a", "b"}
    source.add_kind("Pod")
    await watching(run, 2)
    await run.equal()
    assert run.sink.names_of("Pod") == {"b", "c"}


async def test_a_kind_that_is_unknown_is_refused_with_the_choice(run: Run) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be watched.*Choose of: Pod"):
        StreamSource(run.api, ["Secret"], run.sink)


async def test_a_sink_that_fails_is_no_end(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.server.put("a")
    run.start()
    await watching(run)
    honest = run.sink.changed

    def once(kind: str, obj: Any) -> None:
        run.sink.changed = honest  # type: ignore[method-assign]
        raise ZeroDivisionError

    run.sink.changed = once  # type: ignore[method-assign]
    run.server.put("b")
    await eventually(lambda: run.source.counts("Pod").lists == 2)
    run.server.put("b")
    await run.equal()
    assert "reading failed" in caplog.text


async def test_nothing_is_left_after_a_cancel(run: Run) -> None:
    before = asyncio.all_tasks()
    run.start(("Pod", "Node", "Event"))
    await watching(run)
    await run.stop()
    assert not [task for task in asyncio.all_tasks() - before if task.get_name().startswith("watch ")]


async def test_an_object_of_an_earlier_source_that_is_no_more_is_told_as_gone(run: Run) -> None:
    run.sink.versions["Pod"] = {"ghost": "1"}
    run.server.put("a")
    run.start()
    await watching(run)
    await run.equal()
    assert run.sink.deletions == {"ghost": 1}


async def test_other_tasks_run_while_a_long_backlog_is_read(run: Run) -> None:
    pods = [{"metadata": {"name": f"p{n}", "uid": f"u{n}", "resourceVersion": str(200 + n)}} for n in range(20_000)]
    backlog = b"".join(line("ADDED", pod) for pod in pods)
    run.server.watches.append(raw(backlog, then_silence=True))
    run.start()
    counts, most = run.source.counts("Pod"), 0
    while (before := counts.lines) < len(pods):
        await asyncio.sleep(0)
        most = max(most, counts.lines - before)
    # Lines and not time: how long a turn takes is the machine's affair.
    assert 0 < most <= 50


def _page(items: list[Any], version: int) -> Any:
    async def answer(request: Any) -> Any:
        from aiohttp import web

        content = {"metadata": {"resourceVersion": str(version)}, "items": items}
        return web.Response(body=json.dumps(content).encode(), content_type="application/json")

    return answer
