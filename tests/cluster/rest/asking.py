"""Somebody who asks the bridge by REST, and what the cluster then holds."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
from tests.cluster.shop import Shop

SECONDS = 30.0


class Answer(NamedTuple):
    """An answer of the bridge; `json` is its body where it is JSON."""

    status: int
    text: str
    json: Any


class User:
    """Somebody who asks the bridge, with what proves who they are."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, proof: dict[str, str]) -> None:
        self._http = http
        self._origin = origin
        self._headers = {"Origin": origin, **proof}

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        async with self.open(method, path, **more) as answer:
            text = await answer.text()
            return Answer(answer.status, text, json.loads(text) if "json" in answer.content_type else None)

    def open(self, method: str, path: str, **more: Any) -> Any:
        return self._http.request(method, self._origin + path, headers=self._headers, **more)


def allow(shop: Shop, user: str, verbs: str, *resources: str) -> None:
    """Give more rights in the namespace."""
    here, name = f"--namespace={shop.namespace}", re.sub("[^a-z]+", "-", f"{user}-{'-'.join(resources)}")
    shop.cluster.kubectl("create", "role", name, f"--verb={verbs}", f"--resource={','.join(resources)}", here)
    who = f"--user={user}" if "@" in user else f"--serviceaccount={shop.namespace}:{user}"
    shop.cluster.kubectl("create", "rolebinding", name, f"--role={name}", who, here)


async def until(what: Callable[[], Any], status: int, before: int = 403) -> Answer:
    """Ask until it is answered so, and not as before: the API server learns of a binding a moment later."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer: Answer = await what()
            if answer.status == status:
                return answer
            assert answer.status == before, answer
            await asyncio.sleep(0.2)


def actions(shop: Shop) -> list[dict[str, Any]]:
    return list(shop.cluster.get("healingactions", f"--namespace={shop.namespace}")["items"])


def generation(shop: Shop, deployment: str) -> int:
    found = shop.cluster.get("deployment", deployment, f"--namespace={shop.namespace}")
    return int(found["metadata"]["generation"])


def upload(namespace: str, *, files: dict[str, bytes] | None = None, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData({"namespace": namespace, **fields}, default_to_multipart=True)
    for name, content in (files or {}).items():
        form.add_field(name, content, filename=name, content_type="application/octet-stream")
    return form


def pod_of(shop: Shop, deployment: str) -> str:
    pods = shop.cluster.get("pods", f"--namespace={shop.namespace}", f"--selector=app={deployment}")["items"]
    return str(pods[0]["metadata"]["name"])
