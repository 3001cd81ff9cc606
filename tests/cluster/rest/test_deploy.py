"""Deploying by REST: each with the user's own rights, and seen in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.cluster.rest.asking import User, actions, allow, generation, until
from tests.cluster.shop import Shop
from tests.conftest import Cluster
from tests.running import KubedomRun, wait_for

pytestmark = pytest.mark.cluster


async def test_each_deploys_what_they_may(shop: Shop, sign_in: Callable[[str], User]) -> None:
    alice, bob = sign_in("alice"), sign_in("bob")
    before = {name: generation(shop, name) for name in ("web", "db")}

    def deploy(user: User, name: str) -> Any:
        return user.ask("POST", "/api/deploy", json={"namespace": shop.namespace, "name": name})

    started = await until(lambda: deploy(alice, "web"), 202)
    made = started.json["healingAction"]
    assert made["namespace"] == shop.namespace
    for user, who, name in ((alice, "alice", "db"), (bob, "bob", "web")):
        refused = await deploy(user, name)
        assert (refused.status, refused.json["type"]) == (403, "urn:kubedom:forbidden")
        assert refused.json["title"] == shop.sentence(who, name)
    (found,) = actions(shop)
    assert (found["spec"]["requestedBy"], found["metadata"]["uid"]) == (shop.user("alice"), made["uid"])

    def phase() -> str:
        (found,) = actions(shop)
        return str(found.get("status", {}).get("phase"))

    await asyncio.to_thread(wait_for, "the end of the action", lambda: phase() == "Succeeded")
    assert {name: generation(shop, name) for name in ("web", "db")} == before | {"web": before["web"] + 1}
    shop.let_alice_no_more()
    refused = await until(lambda: deploy(alice, "web"), 403, before=202)
    assert refused.json["title"] == shop.sentence("alice", "web")


async def test_image_and_replicas_of_a_form_reach_the_deployment(shop: Shop, sign_in: Callable[[str], User]) -> None:
    allow(shop, "alice", "patch", "deployments.apps/scale")
    alice = sign_in("alice")
    form = {
        "namespace": shop.namespace,
        "name": "web",
        "image": "registry.example/web:2",
        "replicas": "3",
        "idempotencyKey": "once",
    }
    started = await until(lambda: alice.ask("POST", "/api/deploy", data=form), 202)
    again = await alice.ask("POST", "/api/deploy", data=form)
    assert (again.status, again.json) == (202, started.json)

    def reached() -> bool:
        spec = shop.cluster.get("deployment", "web", f"--namespace={shop.namespace}")["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        return bool((spec["replicas"], container["image"]) == (3, "registry.example/web:2"))

    await asyncio.to_thread(wait_for, "the image and the replicas", reached)
    assert len(actions(shop)) == 2


MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: shown}
data: {title: Shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shown}
spec:
  replicas: 1
  selector: {matchLabels: {app: shown}}
  template:
    metadata: {labels: {app: shown}}
    spec: {containers: [{name: main, image: registry.example/shown}]}
"""


async def test_a_manifest_is_applied_as_the_user_whole_or_not_at_all(
    shop: Shop, sign_in: Callable[[str], User]
) -> None:
    alice, bob = sign_in("alice"), sign_in("bob")
    sent = {"namespace": shop.namespace, "manifest": MANIFEST}
    allow(shop, "alice", "get,create,patch", "configmaps", "deployments.apps")
    allow(shop, "bob", "get,create,patch", "configmaps")
    tried = await until(lambda: alice.ask("POST", "/api/deploy", json={**sent, "dryRun": True}), 200)
    assert [each["kind"] for each in tried.json["applied"]] == ["ConfigMap", "Deployment"]
    here = f"--namespace={shop.namespace}"
    names = {each["metadata"]["name"] for each in shop.cluster.get("configmaps", here)["items"]}
    assert "shown" not in names, "a dry run changes nothing"
    # Bob may apply the first of them only, so none is.
    await until(
        lambda: bob.ask("POST", "/api/deploy", json={**sent, "manifest": MANIFEST.split("---")[0], "dryRun": True}), 200
    )
    refused = await bob.ask("POST", "/api/deploy", json=sent)
    assert refused.status == 403
    assert 'cannot patch resource \\"deployments\\"' in refused.text
    assert "shown" not in {each["metadata"]["name"] for each in shop.cluster.get("configmaps", here)["items"]}
    applied = await alice.ask("POST", "/api/deploy", json=sent)
    assert applied.status == 202
    found = shop.cluster.get("deployment", "shown", here, "--show-managed-fields")
    assert found["metadata"]["uid"] == applied.json["applied"][1]["uid"]
    assert "kubedom" in {entry["manager"] for entry in found["metadata"]["managedFields"]}


async def test_without_a_body_what_the_default_manifest_says_by_then_is_applied(
    shop: Shop, cluster: Cluster, tmp_path: Path
) -> None:
    file = tmp_path / "shown.yaml"
    file.write_text("metadata: [")
    options = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}", "--sign-in=token")
    allow(shop, "alice", "get,create,patch", "configmaps", "deployments.apps")
    with KubedomRun(*options, f"--default-manifest={file}") as run:
        async with aiohttp.ClientSession() as http:
            alice = User(http, run.origin, {"Authorization": f"Bearer {shop.token('alice')}"})
            refused = await alice.ask("POST", "/api/deploy")
            assert (refused.status, refused.json["field"]) == (422, "manifest")
            file.write_text(MANIFEST.replace("{name: shown}", f"{{name: shown, namespace: {shop.namespace}}}"))
            applied = await until(lambda: alice.ask("POST", "/api/deploy"), 202)
            file.unlink()
            refused = await alice.ask("POST", "/api/deploy")
            assert (refused.status, refused.json["field"]) == (422, "default-manifest")
    found = cluster.get("deployment", "shown", f"--namespace={shop.namespace}")
    assert found["metadata"]["uid"] == applied.json["applied"][1]["uid"]


async def test_what_others_own_is_a_conflict_with_its_fields(shop: Shop, sign_in: Callable[[str], User]) -> None:
    alice = sign_in("alice")
    allow(shop, "alice", "get,create,patch", "configmaps")
    here = f"--namespace={shop.namespace}"
    shop.cluster.kubectl("create", "configmap", "settings", "--from-literal=title=Shop", here)
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {title: Other, more: kept}\n"
    sent = {"namespace": shop.namespace, "manifest": text}
    refused = await until(lambda: alice.ask("POST", "/api/deploy", json=sent), 409)
    assert refused.json["type"] == "urn:kubedom:conflict"
    assert refused.json["conflicts"] == [{"field": ".data.title", "manager": "kubectl-create"}]
    assert shop.cluster.get("configmap", "settings", here)["data"] == {"title": "Shop"}
