import gzip
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from kubedom_operator.projection import KINDS, UnreadableObject, WatchError, decoder, from_object, minimal, seconds

RECORDED = Path(__file__).parents[2] / "recorded"
SENTINEL = "s3cr3t-sentinel"


def lines(name: str) -> list[bytes]:
    return gzip.decompress((RECORDED / f"{name}.jsonl.gz").read_bytes()).splitlines()


def test_a_watch_line_and_a_mapping_give_the_same() -> None:
    decode = decoder("Pod")
    for line in lines("pods"):
        read = decode.line(line)
        assert read.object == from_object("Pod", MappingProxyType(json.loads(line)["object"]))


def test_the_projection_keeps_kubernetes_shape() -> None:
    line = lines("pods")[136]
    given = json.loads(line)["object"]
    kept = msgspec.to_builtins(decoder("Pod").line(line).object)
    assert kept["metadata"]["resourceVersion"] == given["metadata"]["resourceVersion"]
    status = kept["status"]["containerStatuses"][0]
    assert status["containerID"] == given["status"]["containerStatuses"][0]["containerID"]
    assert status["lastState"]["terminated"]["exitCode"] == 3


def test_what_is_not_listed_never_becomes_an_object() -> None:
    body = json.loads(lines("pods")[136])["object"]
    body["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": SENTINEL, "a": SENTINEL}
    body["metadata"]["managedFields"] = [{"manager": SENTINEL}]
    main = body["spec"]["containers"][0]
    main["env"] = [{"name": "PASSWORD", "value": SENTINEL}]
    main["command"] = main["args"] = [SENTINEL]
    main["livenessProbe"] = {"exec": {"command": [SENTINEL]}, "httpGet": {"httpHeaders": [{"value": SENTINEL}]}}
    body["spec"]["volumes"] = [{"name": "v", "secret": {"secretName": SENTINEL}}]
    body["data"] = {"password": SENTINEL}
    for kind in KINDS:
        given = body if kind == "Pod" else {"metadata": body["metadata"], "data": body["data"]}
        assert SENTINEL.encode() not in msgspec.json.encode(from_object(kind, given))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("status", "containerStatuses", 0, "restartCount"), "x", "status.containerStatuses[0].restartCount"),
        (("status", "conditions", 2, "status"), 7, "status.conditions[2].status"),
        (("status", "containerStatuses", 0, "state"), [], "status.containerStatuses[0].state"),
        (("metadata", "labels"), "x", "metadata.labels"),
        (("spec", "containers"), {}, "spec.containers"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(path: tuple[Any, ...], value: Any, field: str) -> None:
    body = json.loads(lines("pods")[136])["object"]
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    for read in (
        lambda: from_object("Pod", body),
        lambda: decoder("Pod").line(json.dumps({"type": "ADDED", "object": body})),
        lambda: decoder("Pod").object(json.dumps(body)),
    ):
        with pytest.raises(UnreadableObject) as caught:
            read()
        assert (caught.value.kind, caught.value.namespace, caught.value.name) == ("Pod", "cases", "crash-exit-3")
        assert caught.value.field == field
    assert minimal("Pod", body).metadata.name == "crash-exit-3"


def test_one_bad_object_does_not_cost_the_page() -> None:
    good = json.loads(lines("pods")[136])["object"]
    bad = {"metadata": {"name": "bad", "namespace": "cases", "uid": "u"}, "status": {"phase": 1}}
    page = decoder("Pod").page(
        json.dumps({"metadata": {"resourceVersion": "9", "continue": "c"}, "items": [good, bad]})
    )
    assert (page.metadata.resource_version, page.metadata.continue_) == ("9", "c")
    assert [one.metadata.name for one in page.items or ()] == ["crash-exit-3"]
    ((error, kept),) = page.unreadable
    assert (error.field, kept.metadata.name, kept.metadata.uid) == ("status.phase", "bad", "u")


def test_the_other_lines_of_a_watch() -> None:
    decode = decoder("Pod")
    bookmark = decode.line(
        b'{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"12","creationTimestamp":null}}}'
    )
    assert (bookmark.type, bookmark.object.metadata.resource_version) == ("BOOKMARK", "12")
    with pytest.raises(WatchError) as caught:
        decode.line(b'{"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired","code":410}}')
    assert caught.value.status.code == 410
    with pytest.raises(UnreadableObject):
        decode.line(b'{"type":"ADDED","obj')


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-02T00:00:01Z", 86401.0),
        ("1970-01-02T00:00:01.500000Z", 86401.5),
        ("1970-01-02T01:00:01+01:00", 86401.0),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("2026-13-45T99:99:99Z", None),
        ("xxxx-xx-xxTxx:xx:xxZ", None),
    ],
)
def test_timestamps(text: str | None, moment: float | None) -> None:
    assert seconds(text) == moment


def test_an_old_style_and_a_new_style_event_both_tell_time_and_count() -> None:
    old = {"metadata": {}, "lastTimestamp": "1970-01-01T00:00:09Z", "count": 4, "eventTime": None}
    new: dict[str, Any] = {
        "metadata": {},
        "eventTime": "1970-01-01T00:00:08.000000Z",
        "lastTimestamp": None,
        "count": None,
    }
    series = new | {"series": {"count": 7, "lastObservedTime": "1970-01-01T00:00:10.000000Z"}}
    told = [(seconds(one.time), one.occurrences) for one in (from_object("Event", body) for body in (old, new, series))]
    assert told == [(9.0, 4), (8.0, 1), (10.0, 7)]
