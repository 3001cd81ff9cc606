"""The requests of pages, before an API server that notes what it is asked: bounds, refusals, and nothing half done."""

from __future__ import annotations

import base64
import logging
from typing import Any

import msgspec
import pytest
from tests.unit.bridge.conftest import ACTIONS, Answer, Running

from kubedom_bridge.kube import ApiError, Cause
from kubedom_bridge.rest import logs
from kubedom_bridge.rest.deploy import AGAIN_SECONDS, Starts
from kubedom_bridge.rest.uploads import LONGEST_CONTENT

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
SETTINGS = "/api/v1/namespaces/default/configmaps/settings"
BOUNDARY = "limit"


async def ask(running: Running, method: str, path: str, *, body: bytes = b"", **headers: str) -> Answer:
    if not running.cookie:
        await running.sign_in()
    return await running.request(method, path, body=body, Cookie=running.cookie, Origin=running.origin, **headers)


async def deploy(running: Running, **sent: Any) -> Answer:
    return await ask(running, "POST", "/api/deploy", body=msgspec.json.encode(sent), Content_Type=JSON)


def form(*parts: tuple[str, str | bytes] | tuple[str, bytes, str]) -> bytes:
    """A multipart form; a part with a third member is a file of this name."""
    lines: list[bytes] = []
    for name, value, *file in parts:
        named = f'; filename="{file[0]}"' if file else ""
        content = value.encode() if isinstance(value, str) else value
        lines += [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode(),
            content,
            b"\r\n",
        ]
    return b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


async def upload(running: Running, *parts: Any, path: str = "/api/v1/config/") -> Answer:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return await ask(running, "POST", path, body=form(*parts), Content_Type=kind)


# Deploy.


async def test_image_and_replicas_are_two_actions_and_the_same_again_are_none(running: Running) -> None:
    sent = {"name": "web", "image": "web:2", "replicas": 3, "idempotencyKey": "k"}
    first = await deploy(running, **sent)
    again = await deploy(running, **sent)
    assert (first.status, again.status, again.json) == (202, 202, first.json)
    assert [each["spec"]["action"] for each in running.cluster.made] == ["setImage", "scale"]
    assert len(first.json["healingActions"]) == 2
    other = await deploy(running, **(sent | {"image": "web:3"}))
    assert (other.status, other.json["type"]) == (422, "urn:kubedom:keyReused")


async def test_a_form_says_the_same_as_json(running: Running) -> None:
    body = b"name=web&image=web%3A2&replicas=0&dryRun=on"
    answer = await ask(running, "POST", "/api/deploy", body=body, Content_Type=FORM)
    assert answer.status == 202
    assert [each["spec"].get("parameters") for each in running.cluster.made] == [{"image": "web:2"}, {"replicas": 0}]
    assert all(each["spec"]["dryRun"] for each in running.cluster.made)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "Web"}, "target.name"),
        ({"name": "web", "namespace": "../x"}, "target.namespace"),
        ({"name": "web", "replicas": -1}, "replicas"),
        ({"name": "web", "replicas": True}, "replicas"),
        ({"name": "web", "replicas": "many"}, "replicas"),
        ({"name": "web", "replicas": 2**31}, "replicas"),
        ({"name": "web", "replicas": {}}, "replicas"),
        ({"name": "web", "replicas": [1]}, "replicas"),
        ({"name": "web", "container": "main"}, "image"),
        ({"name": "web", "image": "x" * 1_025}, "image"),
        ({"name": "web", "dryRun": "perhaps"}, "dryRun"),
        ({"name": "web", "colour": "red"}, "colour"),
        ({"manifest": "a: b", "name": "web"}, "name"),
        ({"manifest": {"kind": "Pod", "metadata": {"name": "x"}}}, "apiVersion"),
        ({"manifest": {"apiVersion": "v1", "metadata": {"name": "x"}}}, "kind"),
        ({"manifest": {"apiVersion": "v1", "kind": "Pod", "metadata": {}}}, "metadata.name"),
        ({"manifest": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b"}}}, "metadata.name"),
        ({"manifest": {"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "x"}}}, "kind"),
        ({"manifest": {"apiVersion": "../v1", "kind": "Pod", "metadata": {"name": "x"}}}, "kind"),
        ({"manifest": "a: b", "namespace": "A"}, "namespace"),
    ],
)
async def test_what_cannot_be_deployed_names_its_field_and_changes_nothing(
    running: Running, sent: dict[str, Any], field: str
) -> None:
    answer = await deploy(running, **sent)
    assert (answer.status, answer.json["field"]) == (422, field)
    assert answer.json["detail"]
    assert running.cluster.made == running.cluster.applied == []


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"name=web", 415),
        (JSON, b"{", 422),
        (JSON, b"[]", 422),
        (JSON, b"null", 422),
        (FORM, b"name=web&name=db", 422),
        (FORM, "name=grün".encode(), 422),
        (FORM, b"name=%ff", 422),
        (JSON, b" " * 300_000, 413),
    ],
)
async def test_a_body_that_is_none_is_refused(running: Running, kind: str, body: bytes, status: int) -> None:
    answer = await ask(running, "POST", "/api/deploy", body=body, Content_Type=kind)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert running.cluster.made == []


MANIFEST = """
{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: y}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: c, namespace: ignored}}
"""


async def test_objects_are_tried_first_and_then_applied_where_they_belong(running: Running) -> None:
    tried = await deploy(running, manifest=MANIFEST, namespace="here", dryRun=True)
    assert (tried.status, tried.json["dryRun"], running.cluster.applied) == (200, True, [])
    answer = await deploy(running, manifest=MANIFEST, namespace="here")
    assert answer.status == 202
    assert [path for path, _, _ in running.cluster.applied] == [
        "/api/v1/namespaces/here/configmaps/a",
        "/apis/apps/v1/namespaces/shop/deployments/b",
        "/api/v1/namespaces/c",
    ]
    for _, _, query in running.cluster.applied:
        assert query == {"fieldManager": "kubedom", "fieldValidation": "Strict"}, "nothing is forced"
    assert "data" not in answer.body, "an answer names objects and tells nothing of their content"


async def test_where_one_object_is_refused_none_is_applied(running: Running) -> None:
    applied = running.cluster.call

    async def refuse(method: str, path: str, **more: Any) -> dict[str, Any]:
        if method == "PATCH" and path.endswith("/b"):
            causes = [Cause("FieldManagerConflict", ".spec.replicas", 'conflict with "hpa" using apps/v1')]
            raise ApiError(409, "Conflict", "Apply failed", causes)
        return await applied(method, path, **more)

    running.cluster.call = refuse  # type: ignore[method-assign]
    answer = await deploy(running, manifest=MANIFEST)
    assert (answer.status, answer.json["type"]) == (409, "urn:kubedom:conflict")
    assert answer.json["conflicts"] == [{"field": ".spec.replicas", "manager": "hpa"}]
    assert answer.json["title"] == "Fields of Deployment shop/b belong to others: hpa."
    assert running.cluster.applied == []


@pytest.mark.parametrize(("theirs", "ours"), [(400, 400), (404, 404), (422, 422), (429, 429), (500, 502), (504, 502)])
async def test_what_the_api_server_says_of_a_request_is_the_answer(running: Running, theirs: int, ours: int) -> None:
    await running.sign_in()
    running.cluster.refusal = ApiError(theirs, "Reason", "its sentence")
    answer = await deploy(running, manifest=MANIFEST)
    assert (answer.status, answer.json["title"]) == (ours, "its sentence")


# Configuration.


async def test_fields_and_files_become_keys(running: Running) -> None:
    answer = await upload(
        running,
        ("name", "settings"),
        ("title", "Shop"),
        ("csrfmiddlewaretoken", "of Django"),
        ("logo", b"\xff\x00", "C:\\pictures\\logo.png"),
        ("pages[]", b"one", "a.html"),
        ("pages[]", b"two", "b.html"),
        ("nothing", b"", ""),
    )
    assert answer.status == 202
    ((path, made, _),) = running.cluster.applied
    assert path == SETTINGS
    assert made["data"] == {"title": "Shop", "a.html": "one", "b.html": "two"}
    assert made["binaryData"] == {"logo": base64.b64encode(b"\xff\x00").decode()}


@pytest.mark.parametrize(
    ("parts", "status", "field"),
    [
        ([("a", "1")], 422, "name"),
        ([("name", "settings")], 422, None),
        ([("name", "a/b"), ("a", "1")], 422, "name"),
        ([("name", "x"), ("namespace", "A"), ("a", "1")], 422, "namespace"),
        ([("name", "x"), ("kind", "Pod"), ("a", "1")], 422, "kind"),
        ([("name", "x"), ("dryRun", "maybe"), ("a", "1")], 422, "dryRun"),
        ([("name", b"x", "name.txt"), ("a", "1")], 422, "name"),
        ([("name", "x"), ("a b", "1")], 422, "a b"),
        ([("name", "x"), ("..", "1")], 422, ".."),
        ([("name", "x"), ("a", "1"), ("a", "2")], 422, "a"),
        ([("name", "x"), ("f[]", b"1", "..\\..")], 422, "f[]"),
        ([("name", "x"), ("f[]", b"1", "a"), ("g[]", b"1", "a")], 422, "g[]"),
        ([("name", "x"), ("a", b"x" * LONGEST_CONTENT, "f")], 413, "a"),
        ([("name", "x"), ("a", b"x" * (LONGEST_CONTENT + 200_000), "f")], 413, None),
        ([("name", "x"), *((f"k{n}", "1") for n in range(600))], 422, None),
    ],
)
async def test_a_form_that_cannot_be_kept_names_its_field(
    running: Running, parts: list[Any], status: int, field: str | None
) -> None:
    answer = await upload(running, *parts)
    assert (answer.status, answer.json.get("field")) == (status, field)
    assert answer.json["detail"]
    assert running.cluster.applied == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"{}"),
        (FORM, b"a=1"),
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"no part"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--"),
    ],
)
async def test_what_is_no_form_is_refused(running: Running, kind: str, body: bytes) -> None:
    answer = await ask(running, "POST", "/api/v1/config/", body=body, Content_Type=kind)
    assert answer.status in {415, 422}
    assert answer.json["detail"]
    assert running.cluster.applied == []


async def test_the_difference_tells_keys_and_what_would_be_lost(running: Running) -> None:
    running.cluster.objects[SETTINGS] = {"data": {"kept": "1", "changed": "old", "gone": "x"}, "metadata": {"uid": "u"}}
    fields = {"name": "settings", "kept": "1", "changed": "new", "added": "2", "dryRun": "1"}
    answer = await upload(running, *fields.items())
    assert answer.status == 200
    assert answer.json["object"]["exists"] is True
    assert {key: answer.json[key] for key in ("added", "changed", "removed", "before")} == {
        "added": ["added"],
        "changed": ["changed"],
        "removed": ["gone"],
        "before": {"changed": "old", "gone": "x"},
    }
    assert running.cluster.applied == []


async def test_a_secrets_values_are_in_no_answer_and_no_log(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "/api/v1/namespaces/default/secrets/login"
    old = base64.b64encode(b"old-value").decode()
    running.cluster.objects[secret] = {"data": {"password": old}, "metadata": {"uid": "u"}}
    parts = [("name", "login"), ("kind", "Secret"), ("password", "new-value")]
    tried = await upload(running, *parts, ("dryRun", "true"))
    kept = await upload(running, *parts)
    shown = await ask(running, "GET", "/api/v1/objects?kind=Secret&name=login")
    assert (tried.status, kept.status, shown.status) == (200, 202, 403)
    assert running.cluster.objects[secret]["data"] == {"password": base64.b64encode(b"new-value").decode()}
    for text in (tried.body, kept.body, shown.body, caplog.text):
        for value in ("old-value", "new-value", old, base64.b64encode(b"new-value").decode()):
            assert value not in text


def test_a_start_right_after_another_is_the_same_one() -> None:
    now = 0.0
    starts = Starts(lambda: now)
    first = starts.key("ann", "shop/web")
    now = AGAIN_SECONDS - 0.1
    assert starts.key("ann", "shop/web") == first
    assert len({first, starts.key("bob", "shop/web"), starts.key("ann", "shop/db")}) == 3
    now = AGAIN_SECONDS
    assert starts.key("ann", "shop/web") != first


async def test_two_clicks_on_a_button_start_the_default_once(running: Running) -> None:
    cookie = await running.sign_in() + "; kubedom_default_deployment=default/web"
    for _ in range(2):
        answer = await running.request("POST", "/api/deploy", Cookie=cookie, Origin=running.origin)
        assert answer.status == 202
    assert len(running.cluster.made) == 1


# Looking.


async def test_actions_come_newest_first_and_say_when_there_are_more(running: Running) -> None:
    for number in range(3):
        running.cluster.objects[f"{ACTIONS}/a{number}"] = {
            "metadata": {"name": f"a{number}", "namespace": "default", "creationTimestamp": f"2026-01-0{number + 1}"},
            "spec": {"action": "restartPod"},
        }
    answer = await ask(running, "GET", "/api/v1/actions?namespace=default&limit=2")
    assert [each["metadata"]["name"] for each in answer.json["items"]] == ["a2", "a1"]
    assert answer.json["more"] is True


@pytest.mark.parametrize(("path", "plural"), [("policies", "healingpolicies"), ("vetoes", "healingvetoes")])
async def test_policies_and_vetoes_are_listed_with_how_they_are(running: Running, path: str, plural: str) -> None:
    root = f"/apis/kubedom.dev/v1alpha1/namespaces/default/{plural}"
    metadata = {"name": "a", "namespace": "default", "creationTimestamp": "2026-01-01", "managedFields": [{}]}
    running.cluster.objects[f"{root}/a"] = {"metadata": metadata, "spec": {"a": 1}, "status": {"b": 2}}
    answer = await ask(running, "GET", f"/api/v1/{path}?namespace=default")
    (only,) = answer.json["items"]
    assert (only["spec"], only["status"]) == ({"a": 1}, {"b": 2})
    assert "managedFields" not in only["metadata"]


async def test_events_of_the_whole_cluster_are_of_one_type_when_asked(running: Running) -> None:
    for name, time in (("old", "2026-01-01"), ("new", "2026-01-02")):
        running.cluster.objects[f"/api/v1/events/{name}"] = {
            "metadata": {"name": name, "creationTimestamp": time},
            "reason": name,
            "type": "Warning",
        }
    answer = await ask(running, "GET", "/api/v1/events?type=Warning")
    assert [each["reason"] for each in answer.json["items"]] == ["new", "old"]
    assert running.cluster.asked == {"limit": "500", "fieldSelector": "type=Warning"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/events?type=a%2Cb", "type"),
        ("/api/v1/events?namespace=default", "namespace"),
        ("/api/v1/policies?limit=0", "limit"),
        ("/api/v1/actions?limit=0", "limit"),
        ("/api/v1/actions?limit=501", "limit"),
        ("/api/v1/actions?namespace=A", "namespace"),
        ("/api/v1/actions?colour=red", "colour"),
        ("/api/v1/actions?limit=1&limit=2", "limit"),
        ("/api/v1/objects?kind=Pod", "name"),
        ("/api/v1/objects?kind=Pod&name=a%2Fb", "name"),
        ("/api/v1/objects?kind=Namespace&name=a&namespace=b", "namespace"),
        ("/api/v1/namespaces/default/events?uid=a%2Cb%3Dc", "uid"),
        ("/api/v1/namespaces/default/events?kind=a.b", "kind"),
        ("/api/v1/namespaces/A/events", "namespace"),
        ("/api/v1/namespaces/default/pods/p/log?tail=-1", "tail"),
        ("/api/v1/namespaces/default/pods/p/log?tail=10001", "tail"),
        ("/api/v1/namespaces/default/pods/p/log?since=soon", "since"),
        ("/api/v1/namespaces/default/pods/p/log?follow=maybe", "follow"),
        ("/api/v1/namespaces/default/pods/p/log?container=a%2Fb", "container"),
        ("/api/v1/namespaces/default/pods/%2E%2E/log", "name"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(running: Running, path: str, field: str) -> None:
    answer = await ask(running, "GET", path)
    assert (answer.status, answer.json["field"]) == (422, field)


async def test_an_objects_yaml_and_a_kind_that_is_none(running: Running) -> None:
    answer = await ask(running, "GET", "/api/v1/objects?kind=Deployment&name=web")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/yaml")
    assert "uid: uid-web" in answer.body
    missing = await ask(running, "GET", "/api/v1/objects?kind=Nothing&name=web")
    assert (missing.status, missing.json["type"], missing.json["field"]) == (404, "urn:kubedom:notFound", "kind")


async def test_a_user_follows_so_many_logs_and_what_was_closed_counts_no_more(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FOLLOWED_BY_A_USER", 1)
    path = "/api/v1/namespaces/default/pods/p/log?follow=true"
    for _ in range(3):
        answer = await ask(running, "GET", path)
        assert (answer.status, answer.body) == (200, "a line\n")
    monkeypatch.setattr(logs, "FOLLOWED_BY_A_USER", 0)
    answer = await ask(running, "GET", path)
    assert (answer.status, answer.json["field"]) == (429, "follow")


async def test_nobody_looks_or_changes_without_signing_in(running: Running) -> None:
    for method, path in (
        ("POST", "/api/deploy"),
        ("POST", "/api/v1/config/"),
        ("GET", "/api/v1/actions"),
        ("GET", "/api/v1/policies"),
        ("GET", "/api/v1/vetoes"),
        ("GET", "/api/v1/events"),
        ("GET", "/api/v1/objects?kind=Deployment&name=web"),
        ("GET", "/api/v1/namespaces/default/events"),
        ("GET", "/api/v1/namespaces/default/pods/p/log"),
    ):
        answer = await running.request(method, path, Origin=running.origin)
        assert (answer.status, answer.json["type"]) == (401, "urn:kubedom:signIn"), path
