"""Users of a proxy, for whom the bridge asks with the rights of its roles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest
import yaml
from tests.cluster.identities import rules, somebodies
from tests.cluster.rest.asking import User, actions, allow, pod_of, until, upload
from tests.cluster.shop import Shop
from tests.conftest import Cluster
from tests.running import KubedomRun

from kubedom_operator import rbac_manifests

pytestmark = pytest.mark.cluster


ANN = "ann@example.org"


class Proxied(NamedTuple):
    """Ann, who may do what Alice may, signed in by a proxy, on a bridge with these roles."""

    ann: User
    shop: Shop


@pytest.fixture
async def proxied(
    shop: Shop, cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Proxied]:
    wanted = [*rules(rbac_manifests.operator(), "kubedom-operator")]
    for name in ("kubedom-bridge", *request.param):
        wanted += rules(rbac_manifests.bridge(), name)
    for name, given in (("views", "clusterrole=view"), ("asks", "role=asking"), ("restarts", "role=restarting")):
        cluster.kubectl(
            "create", "rolebinding", f"ann-{name}", f"--{given}", f"--user={ANN}", f"--namespace={shop.namespace}"
        )
    with somebodies(cluster, shop.namespace) as make:
        kubeconfig = make("kubedom", *wanted).kubeconfig(tmp_path)
        with KubedomRun(f"--kubeconfig={kubeconfig}", "--trusted-proxy=127.0.0.0/8") as run:
            async with aiohttp.ClientSession() as http:
                yield Proxied(User(http, run.origin, {"X-Forwarded-User": ANN}), shop)


async def looks_and_restarts(ann: User, shop: Shop) -> None:
    pod = pod_of(shop, "web")
    here = f"/api/v1/namespaces/{shop.namespace}"
    # Nobody has told kwok what the log is, and its answer to that comes all the way.
    log = await until(lambda: ann.ask("GET", f"{here}/pods/{pod}/log"), 400)
    assert "log" in log.json["title"]
    deploy = {"namespace": shop.namespace, "name": "web"}
    assert (await until(lambda: ann.ask("POST", "/api/deploy", json=deploy), 202)).json["healingAction"]
    refused = await ann.ask("POST", "/api/deploy", json={"namespace": shop.namespace, "name": "db"})
    assert refused.status == 403
    assert f'deployments.apps "db" in namespace {shop.namespace}' in refused.json["title"]
    (found,) = (await until(lambda: ann.ask("GET", f"/api/v1/actions?namespace={shop.namespace}"), 200)).json["items"]
    assert found["spec"]["target"]["name"] == "web"
    assert (await ann.ask("GET", f"{here}/events?kind=Deployment&name=web")).json["items"]
    shown = await ann.ask("GET", f"/api/v1/objects?kind=Deployment&namespace={shop.namespace}&name=web")
    assert yaml.safe_load(shown.text)["metadata"]["name"] == "web"
    for path in (
        "/api/v1/namespaces/default/events",
        "/api/v1/objects?kind=Deployment&namespace=default&name=web",
        "/api/v1/namespaces/default/pods/x/log",
        "/api/v1/actions?namespace=default",
    ):
        assert (await ann.ask("GET", path)).status == 403, path


APPLIED = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shown}\ndata: {title: Shop}\n"


@pytest.mark.parametrize(
    "proxied", [("kubedom-bridge-impersonate", "kubedom-bridge-impersonate-apply")], indirect=True, ids=[""]
)
async def test_a_proxys_users_see_and_do_what_they_may_by_constrained_impersonation(proxied: Proxied) -> None:
    ann, shop = proxied
    await looks_and_restarts(ann, shop)
    (made,) = actions(shop)
    assert made["spec"]["requestedBy"] == ANN
    sent = {"namespace": shop.namespace, "manifest": APPLIED}
    refused = await ann.ask("POST", "/api/deploy", json=sent)
    assert (refused.status, ANN in refused.text) == (403, True)
    allow(shop, ANN, "get,create,patch", "configmaps")
    await until(lambda: ann.ask("POST", "/api/deploy", json=sent), 202)
    kept = await ann.ask("POST", "/api/v1/config/", data=upload(shop.namespace, name="kept", a="1", restart="on"))
    assert kept.status == 202
    assert shop.cluster.get("configmap", "kept", f"--namespace={shop.namespace}")["data"] == {"a": "1"}
    unknown = {"namespace": shop.namespace, "manifest": "apiVersion: v2\nkind: Nothing\nmetadata: {name: x}\n"}
    refused = await ann.ask("POST", "/api/deploy", json=unknown)
    assert (refused.status, refused.json["field"]) == (422, "kind")


@pytest.mark.parametrize("proxied", [("kubedom-bridge-request-for",)], indirect=True, ids=[""])
async def test_where_the_bridge_may_not_impersonate_it_shows_and_heals_and_applies_nothing(proxied: Proxied) -> None:
    ann, shop = proxied
    await looks_and_restarts(ann, shop)
    allow(shop, ANN, "get,create,patch", "configmaps")
    sent = {"namespace": shop.namespace, "manifest": APPLIED}
    refused = await ann.ask("POST", "/api/deploy", json=sent)
    assert (refused.status, refused.json["title"]) == (
        403,
        "The bridge cannot do this for you, for it may not impersonate.",
    )
