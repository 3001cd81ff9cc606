"""The description of the REST part and the REST part are of one kind."""

from __future__ import annotations

import dataclasses
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import BaseRoute, Mount, Route

from kubedom_bridge.app import description, make_app
from kubedom_bridge.protocol import SOCKET_PATH

from .conftest import Running

DESCRIPTION: dict[str, Any] = json.loads((files("kubedom_bridge") / "openapi.json").read_text())
#: For people and browsers, and the socket, which the AsyncAPI document describes.
NO_REST = {"/signin", "/sign-in.css", "/favicon.ico", "/", "/{path:path}", SOCKET_PATH}


def methods(routes: list[BaseRoute], prefix: str = "") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for route in routes:
        if isinstance(route, Mount):
            found |= methods(list(route.routes), route.path)
        elif isinstance(route, Route):
            found[prefix + route.path] = (route.methods or set()) - {"HEAD"}
    return found


def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(cast(Any, DESCRIPTION)).validate()


@pytest.mark.parametrize("config_path", ["/api/v1/config/", "/django/api/v1/config/"])
async def test_every_route_is_described_and_nothing_else(running: Running, config_path: str) -> None:
    site = dataclasses.replace(running.bridge.site, config_path=config_path)
    served = methods(make_app(site).routes)
    described = {path: {method.upper() for method in item} for path, item in description(config_path)["paths"].items()}
    assert config_path in described
    OpenAPIV31SpecValidator(cast(Any, description(config_path))).validate()
    assert {path: found for path, found in served.items() if path not in NO_REST} == described


def test_every_operation_has_a_name_and_every_error_is_a_problem() -> None:
    operations = [operation for item in DESCRIPTION["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        for status, answer in operation["responses"].items():
            kinds = answer.get("content", {}).keys() | ({"application/problem+json"} if "$ref" in answer else set())
            assert int(status) < 400 or kinds & {"application/problem+json", "text/plain"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/nothing", 404),
        ("GET", "/api/deploy", 405),
        ("PUT", "/api/session", 405),
        ("GET", "/api/socket", 426),
        ("POST", "/api/socket", 405),
        ("POST", "/index.html", 405),
    ],
)
async def test_a_wrong_path_or_method_is_told_as_a_problem_also_without_a_sign_in(
    running: Running, method: str, path: str, status: int
) -> None:
    answer = await running.request(method, path)
    assert answer.status == status
    if status == 200:
        assert answer.json == DESCRIPTION
    else:
        assert (answer.headers["content-type"], answer.json["status"]) == ("application/problem+json", status)
    if status == 405:
        assert answer.headers["allow"]


def test_the_documentation_names_every_request() -> None:
    text = (Path(__file__).parents[3] / "docs" / "rest.md").read_text()
    named = {
        (method.lower(), path)
        for method, path in re.findall(r"`(GET|POST|DELETE) (/\S+)`", text.partition("## Deploy")[0])
    }
    described = {(method, path) for path, item in DESCRIPTION["paths"].items() for method in item}
    assert named == described
