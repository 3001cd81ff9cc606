"""A page's form in the cluster, as a ConfigMap or a Secret."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.cluster.rest.asking import User, actions, allow, generation, until, upload
from tests.cluster.shop import Shop
from tests.running import KubedomRun, wait_for

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("path", ["/api/v1/config/", "/django/api/v1/config/"])
async def test_a_form_is_kept_as_a_config_map(shop: Shop, sign_in: Callable[[str], User], path: str) -> None:
    alice = sign_in("alice")
    allow(shop, "alice", "get,create,patch", "configmaps")

    def send(**fields: str) -> Any:
        files = {"logo.png": b"\x89PNG\xff", "app.yaml": "grüße: ja\n".encode()}
        return alice.ask("POST", path, data=upload(shop.namespace, files=files, name="settings", **fields))

    tried = await until(lambda: send(title="Shop", dryRun="true"), 200)
    assert (tried.json["added"], tried.json["changed"]) == (["app.yaml", "logo.png", "title"], [])
    here = f"--namespace={shop.namespace}"
    assert "settings" not in {each["metadata"]["name"] for each in shop.cluster.get("configmaps", here)["items"]}
    kept = await send(title="Shop", old="1")
    assert kept.status == 202
    found = shop.cluster.get("configmap", "settings", here)
    assert found["data"] == {"title": "Shop", "app.yaml": "grüße: ja\n", "old": "1"}
    assert found["binaryData"] == {"logo.png": "iVBOR/8="}
    difference = await send(title="Store", dryRun="on")
    assert (difference.json["changed"], difference.json["removed"]) == (["title"], ["old"])
    assert difference.json["before"] == {"title": "Shop", "old": "1"}
    assert (await send(title="Store")).status == 202
    assert shop.cluster.get("configmap", "settings", here)["data"] == {"title": "Store", "app.yaml": "grüße: ja\n"}


async def test_a_secret_is_kept_and_its_values_are_never_told(
    shop: Shop, run: KubedomRun, sign_in: Callable[[str], User]
) -> None:
    alice, bob = sign_in("alice"), sign_in("bob")
    allow(shop, "alice", "get,create,patch", "secrets")

    def send(user: User, value: str, **fields: str) -> Any:
        form = upload(shop.namespace, kind="Secret", name="login", password=value, **fields)
        return user.ask("POST", "/api/v1/config/", data=form)

    answers = [
        await until(lambda: send(alice, "first-mark"), 202),
        await send(alice, "second-mark", dryRun="true"),
        await send(alice, "second-mark"),
        await send(bob, "third-mark"),
        await alice.ask("GET", f"/api/v1/objects?kind=Secret&namespace={shop.namespace}&name=login"),
    ]
    assert [each.status for each in answers] == [202, 200, 202, 403, 403]
    assert answers[1].json["changed"] == ["password"]
    assert shop.cluster.get("secret", "login", f"--namespace={shop.namespace}")["data"] == {
        "password": "c2Vjb25kLW1hcms="
    }
    for text in (*(each.text for each in answers), run.output()):
        assert "-mark" not in text
        assert "bWFyaw" not in text
        assert "LW1hcms" not in text


async def test_what_uses_a_configuration_is_restarted_when_asked_as_far_as_the_user_may(
    shop: Shop, sign_in: Callable[[str], User]
) -> None:
    here = f"--namespace={shop.namespace}"
    alice = sign_in("alice")
    allow(shop, "alice", "get,create,patch", "configmaps")
    shop.cluster.kubectl("create", "configmap", "settings", "--from-literal=TITLE=Shop", here)
    shop.cluster.kubectl("create", "deployment", "other", "--image=registry.example/other", here)
    for name in ("web", "db"):
        shop.cluster.kubectl("set", "env", f"deployment/{name}", "--from=configmap/settings", here)
        shop.cluster.kubectl("rollout", "status", f"deployment/{name}", "--timeout=60s", here)
    before = generation(shop, "web")
    form = {"name": "settings", "COLOUR": "blue", "restart": "true"}

    def send(**more: str) -> Any:
        return alice.ask("POST", "/api/v1/config/", data=upload(shop.namespace, **form, **more))

    tried = await until(lambda: send(dryRun="true"), 200)
    assert [each["name"] for each in tried.json["restarts"]] == ["db", "web"]
    kept = await send()
    assert kept.status == 202
    restarts = {each["name"]: each for each in kept.json["restarts"]}
    assert restarts["db"]["refused"] == shop.sentence("alice", "db")
    (made,) = actions(shop)
    assert made["metadata"]["uid"] == restarts["web"]["healingAction"]["uid"]
    await asyncio.to_thread(wait_for, "the restart", lambda: generation(shop, "web") == before + 1)
