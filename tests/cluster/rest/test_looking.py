"""Actions, Events, objects and logs, each as far as the user may see them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.cluster.rest.asking import SECONDS, User, pod_of, until
from tests.cluster.shop import Shop, with_log
from tests.conftest import Cluster

pytestmark = pytest.mark.cluster


async def test_actions_are_listed_as_far_as_the_user_may(shop: Shop, sign_in: Callable[[str], User]) -> None:
    alice = sign_in("alice")
    deploy = {"namespace": shop.namespace, "name": "web"}
    await until(lambda: alice.ask("POST", "/api/deploy", json=deploy), 202)
    listed = await alice.ask("GET", "/api/v1/actions")
    assert listed.status == 200
    (only,) = listed.json["items"]
    assert (only["spec"]["action"], only["metadata"]["namespace"]) == ("restartDeployment", shop.namespace)
    refused = await alice.ask("GET", "/api/v1/actions?namespace=default")
    assert refused.status == 403


async def test_lists_are_of_the_namespaces_that_the_user_may_see(shop: Shop, sign_in: Callable[[str], User]) -> None:
    alice = sign_in("alice")
    found = await until(lambda: alice.ask("GET", "/api/v1/events"), 200)
    assert found.json["items"]
    assert {each["object"]["namespace"] for each in found.json["items"]} == {shop.namespace}
    warnings = await alice.ask("GET", "/api/v1/events?type=Warning")
    assert {each["type"] for each in warnings.json["items"]} <= {"Warning"}
    for kind in ("policies", "vetoes"):
        assert (await alice.ask("GET", f"/api/v1/{kind}")).json == {"items": [], "more": False}
    # Who has a right nowhere is not told that there is nothing.
    shop.cluster.kubectl("delete", "rolebinding", "alice-views", f"--namespace={shop.namespace}")
    none = await until(lambda: alice.ask("GET", "/api/v1/events"), 403, before=200)
    assert 'cannot list resource "events"' in none.json["title"]


async def test_the_events_and_the_yaml_of_an_object(shop: Shop, sign_in: Callable[[str], User]) -> None:
    alice = sign_in("alice")
    where = f"/api/v1/namespaces/{shop.namespace}/events?kind=Deployment&name=web"
    found = await until(lambda: alice.ask("GET", where), 200)
    assert "ScalingReplicaSet" in {each["reason"] for each in found.json["items"]}
    assert {each["object"]["name"] for each in found.json["items"]} == {"web"}
    shown = await alice.ask("GET", f"/api/v1/objects?kind=Deployment&namespace={shop.namespace}&name=web")
    read = yaml.safe_load(shown.text)
    assert read["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/web"
    assert "managedFields" not in read["metadata"]
    assert (await alice.ask("GET", "/api/v1/objects?kind=Deployment&namespace=default&name=web")).status == 403
    assert (await alice.ask("GET", "/api/v1/objects?kind=Node&name=node-1")).status == 403


@pytest.fixture
def log(shop: Shop, cluster: Cluster, tmp_path: Path) -> Path:
    """The file in which the log of a pod of `web` stands, as a container runtime writes it."""
    if cluster.own is None:
        pytest.skip("says what the log of a container is, which only the local cluster's can be told")
    return with_log(shop, pod_of(shop, "web"), tmp_path)


async def test_a_log_is_read_and_followed(shop: Shop, log: Path, sign_in: Callable[[str], User]) -> None:
    alice, pod = sign_in("alice"), pod_of(shop, "web")
    where = f"/api/v1/namespaces/{shop.namespace}/pods/{pod}/log"
    # kwok learns of the log a moment later.
    await until(lambda: alice.ask("GET", f"{where}?tail=2"), 200, before=400)
    assert (await alice.ask("GET", f"{where}?tail=2")).text == "line 3\nline 4\n"
    assert (await alice.ask("GET", f"{where}?previous=true")).text == "it crashed\n"
    missing = await alice.ask("GET", f"{where}?container=nothing")
    assert missing.status == 400
    assert "container nothing is not valid" in missing.json["title"]
    gone = await alice.ask("GET", f"/api/v1/namespaces/{shop.namespace}/pods/nothing/log")
    assert gone.status == 404
    async with asyncio.timeout(SECONDS), alice.open("GET", f"{where}?tail=1&follow=true") as answer:
        assert (await answer.content.readline()) == b"line 4\n"
        with log.open("a") as file:
            file.write("2026-01-01T00:00:09Z stdout F line 9\n")
        assert (await answer.content.readline()) == b"line 9\n"
    here = f"--namespace={shop.namespace}"
    shop.cluster.kubectl("delete", "rolebinding", "alice-views", here)
    refused = await until(lambda: alice.ask("GET", where), 403, before=200)
    assert 'cannot get resource \\"pods/log\\"' in refused.text
