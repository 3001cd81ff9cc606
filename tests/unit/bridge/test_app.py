"""The HTTP half over a real port: sign-in, files, health, and the one POST."""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest

from kubedom_bridge.errors import ConfigurationError, NotPermitted, PortInUse
from kubedom_bridge.settings import BridgeSettings, check_settings, listen
from kubedom_bridge.site import CONTENT_POLICY

from .conftest import Running


async def test_a_link_signs_in_once_with_a_cookie_that_no_script_and_no_other_site_can_use(running: Running) -> None:
    path = running.bridge.signin_link().removeprefix(running.origin)
    answer = await running.request("GET", path)
    assert answer.status == 200
    (cookie,) = answer.cookies
    name, *flags = cookie.split("; ")
    assert name.startswith(f"kubedom_session_{running.bridge.port}=")
    assert {"httponly", "samesite=strict", "path=/"} <= {flag.lower() for flag in flags}
    again = await running.request("GET", path)
    assert (again.status, again.cookies) == (403, [])
    assert "works once" in again.body


async def test_looking_at_a_link_does_not_use_it_up(running: Running) -> None:
    path = running.bridge.signin_link().removeprefix(running.origin)
    assert (await running.request("HEAD", path)).cookies == []
    assert (await running.request("GET", path)).status == 200


async def test_the_icon_that_browsers_ask_for_unasked_is_no_error(running: Running) -> None:
    assert (await running.request("GET", "/favicon.ico")).status == 204


async def test_who_is_signed_in_already_goes_to_the_page_and_keeps_the_code(running: Running) -> None:
    cookie = await running.sign_in()
    path = running.bridge.signin_link().removeprefix(running.origin)
    answer = await running.request("GET", path, Cookie=cookie)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert (await running.request("GET", path)).status == 200


async def test_without_a_session_nothing_of_the_page_is_served(running: Running) -> None:
    for path in ("/", "/index.html", "/kubedom.js", "/mine.html", "/nothing"):
        answer = await running.request("GET", path, Cookie=f"kubedom_session_{running.bridge.port}=guess")
        assert answer.status == 401
        assert "sign-in link" in answer.body


async def test_with_a_session_the_page_and_the_authors_own_files_are_served(running: Running) -> None:
    cookie = await running.sign_in()
    page = await running.request("GET", "/", Cookie=cookie)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    script = await running.request("GET", "/kubedom.js", Cookie=cookie)
    assert (script.status, script.headers["content-type"].partition(";")[0]) == (200, "text/javascript")
    own = await running.request("GET", "/mine.html", Cookie=cookie)
    assert (own.status, own.body) == (200, "mine")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/own/../../secret.txt",
        "/....//secret.txt",
        "/..%5csecret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/out",
        "/.",
        "/page",
        "/%00",
        "/mine.html%00.js",
        "/" + "x" * 5000,
    ],
)
async def test_nothing_outside_the_folders_is_served(running: Running, path: str) -> None:
    answer = await running.request("GET", path, Cookie=await running.sign_in())
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert "secret" not in answer.body.replace("secret.txt", "")


async def test_every_answer_has_the_strict_content_policy(running: Running) -> None:
    cookie = await running.sign_in()
    asked = [
        await running.request("GET", "/"),
        await running.request("GET", "/", Cookie=cookie),
        await running.request("GET", "/kubedom.js", Cookie=cookie),
        await running.request("GET", "/nothing", Cookie=cookie),
        await running.request("GET", "/signin?code=guess"),
        await running.request("GET", "/healthz"),
        await running.request("GET", "/readyz"),
        await running.request("GET", "/", Host="evil.example"),
        await running.request("DELETE", "/healthz"),
        await running.request("POST", "/api/deploy"),
        await running.request("POST", "/api/deploy", Origin="http://evil.example"),
        await running.request("GET", "/api/socket", Cookie=cookie),
    ]
    for answer in asked:
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
    assert "'unsafe" not in CONTENT_POLICY
    assert "default-src 'none'" in CONTENT_POLICY


async def test_even_an_error_of_ours_has_the_policy_and_shows_no_traceback(running: Running) -> None:
    running.cluster.refusal = RuntimeError("inner words")
    cookie = await running.sign_in() + "; kubedom_default_deployment=default/web"
    answer = await running.request("POST", "/api/deploy", Cookie=cookie)
    assert answer.status == 500
    assert answer.headers["content-security-policy"] == CONTENT_POLICY
    assert answer.headers["content-type"] == "application/problem+json"
    assert "inner words" not in answer.body


async def test_health_and_readiness_are_told_to_whoever_asks(running: Running) -> None:
    assert (await running.request("GET", "/healthz", Host="10.0.0.7:8384")).status == 200
    assert (await running.request("GET", "/readyz", Host="10.0.0.7:8384")).status == 200
    running.reason[0] = "still listing Pod"
    answer = await running.request("GET", "/readyz")
    assert (answer.status, answer.body) == (503, "still listing Pod\n")
    assert (await running.request("GET", "/healthz")).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Host": "evil.example"}],
)
async def test_a_post_from_elsewhere_is_refused_with_the_cookie_too(running: Running, headers: dict[str, Any]) -> None:
    cookie = await running.sign_in() + "; kubedom_default_deployment=default/web"
    answer = await running.request("POST", "/api/deploy", Cookie=cookie, **headers)
    assert (answer.status, answer.json["type"]) == (403, "urn:kubedom:origin")
    assert running.cluster.made == []


async def test_deploying_without_a_session_is_refused(running: Running) -> None:
    answer = await running.request("POST", "/api/deploy", Origin=running.origin)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_deploying_without_a_default_says_how_to_set_one(running: Running) -> None:
    answer = await running.request("POST", "/api/deploy", Cookie=await running.sign_in(), Origin=running.origin)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json["type"] == "urn:kubedom:noDefaultDeployment"
    assert answer.json["status"] == 422
    assert "--default-deployment NAMESPACE/NAME" in answer.json["detail"]
    assert answer.json["field"] == "default-deployment"


async def test_deploying_starts_the_default_that_the_page_names(running: Running) -> None:
    cookie = await running.sign_in() + "; kubedom_default_deployment=default/web"
    answer = await running.request("POST", "/api/deploy", Cookie=cookie, Origin=running.origin)
    assert answer.status == 202
    (made,) = running.cluster.made
    assert answer.json == {
        "healingAction": {"namespace": "default", "name": made["metadata"]["name"], "uid": "uid-0"},
    }
    assert made["spec"]["action"] == "restartDeployment"
    assert made["spec"]["target"] == {"kind": "Deployment", "name": "web", "uid": "uid-web"}


@pytest.mark.parametrize(
    ("named", "status"),
    [("default/nowhere", 404), ("default/../../../pods/p", 422), ("default/", 422), ("DEFAULT/web", 422)],
)
async def test_a_default_that_cannot_be_started_is_a_problem_document(
    running: Running, named: str, status: int
) -> None:
    cookie = await running.sign_in() + f"; kubedom_default_deployment={named}"
    answer = await running.request("POST", "/api/deploy", Cookie=cookie, Origin=running.origin)
    assert answer.status == status
    assert answer.json["detail"]
    assert running.cluster.made == []


async def test_a_refusal_of_the_api_server_is_passed_on_in_its_words(running: Running) -> None:
    running.cluster.refusal = NotPermitted("The API server says: no.", remedy="Ask for this right.")
    cookie = await running.sign_in() + "; kubedom_default_deployment=default/web"
    answer = await running.request("POST", "/api/deploy", Cookie=cookie, Origin=running.origin)
    assert (answer.status, answer.json["title"]) == (403, "The API server says: no.")


async def test_a_body_is_not_taken(running: Running) -> None:
    cookie = await running.sign_in()
    answer = await running.request("POST", "/api/deploy", body=b"x=1", Cookie=cookie, Origin=running.origin)
    assert answer.status == 415


async def test_a_wrong_method_is_a_problem_document(running: Running) -> None:
    answer = await running.request("GET", "/signin/", Cookie=await running.sign_in())
    assert answer.status in {307, 404}
    answer = await running.request("DELETE", "/healthz")
    assert (answer.status, answer.headers["content-type"]) == (405, "application/problem+json")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
def test_it_listens_on_no_address_that_others_reach(host: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings(BridgeSettings(host=host))
    assert caught.value.field == "--host"
    assert "--host 127.0.0.1" in caught.value.remedy


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_it_listens_on_loopback(host: str) -> None:
    check_settings(BridgeSettings(host=host))


@pytest.mark.parametrize("named", ["web", "a/b/c", "/", "/web", "default/"])
def test_a_default_deployment_needs_namespace_and_name(named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings(BridgeSettings(default_deployment=named))
    assert caught.value.field == "--default-deployment"


def test_a_folder_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_settings(BridgeSettings(web_dir=tmp_path / "nowhere"))
    assert caught.value.field == "--web-dir"


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    settings = BridgeSettings(port=0)
    with listen(settings) as taken:
        used = dataclasses.replace(settings, port=taken.getsockname()[1])
        with pytest.raises(PortInUse) as caught:
            listen(used)
    assert "--port 0" in str(caught.value)


def test_an_address_of_another_machine_is_told_as_such() -> None:
    with pytest.raises(ConfigurationError) as caught:
        listen(BridgeSettings(host="192.0.2.1", port=0))
    assert caught.value.field == "--host"


def test_it_listens_only_where_it_was_told() -> None:
    with listen(BridgeSettings(port=0)) as listener:
        assert listener.family == socket.AF_INET
        assert listener.getsockname()[0] == "127.0.0.1"
