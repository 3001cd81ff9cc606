"""Creating actions until the API server's admission does what it is to do: policies and bindings take a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.cluster.shop import GROUP, action

from kubedom_bridge.errors import AdmissionDenied, NotPermitted
from kubedom_bridge.kube import Api
from kubedom_operator.admission import start_admission
from kubedom_operator.admission_manifests import CANARY, POLICY, STAMP, VETOES_POLICY, validating
from kubedom_operator.install import apply

ROOT = f"/apis/{GROUP}/v1alpha1"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
SECONDS = 30.0


async def create(api: Api, wanted: dict[str, Any], namespace: str, *, dry: bool = True) -> dict[str, Any]:
    where = f"namespaces/{namespace}/healingactions" if wanted["kind"] == "HealingAction" else "clusterhealingactions"
    return await api.call("POST", f"{ROOT}/{where}", body=wanted, query={"dryRun": "All"} if dry else None)


async def admitted(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """Try until it is permitted: the API server learns of a binding a moment later."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await attempt()
            except NotPermitted:
                await asyncio.sleep(0.05)


async def denied(attempt: Callable[[], Awaitable[Any]], sentence: str) -> AdmissionDenied:
    """Try until the policy refuses with this sentence, and give the refusal; it must not be let pass on the way."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                passed = await attempt()
            except AdmissionDenied as problem:
                if sentence in problem.message:
                    return problem
            except NotPermitted:
                pass
            else:
                raise AssertionError(f"It was let pass and not refused with {sentence!r}: {passed}")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def without_stamp(api: Api) -> AsyncIterator[None]:
    """As it is before Kubernetes 1.36: nothing stamps who asked."""
    for plural in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
        await api.call("DELETE", f"{REGISTRATION}/{plural}/{STAMP}")
    for each in validating(stamped=False):
        plural = (
            "validatingadmissionpolicies" if each["kind"].endswith("Policy") else "validatingadmissionpolicybindings"
        )
        await apply(api, f"{REGISTRATION}/{plural}/{each['metadata']['name']}", each)
    try:
        await eventually_named(api, "forged")
        yield
    finally:
        for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            await api.call("DELETE", f"{REGISTRATION}/{plural}/{VETOES_POLICY}")
        assert await start_admission(api, None) == ""
        await eventually_named(api, "boss")


async def eventually_named(api: Api, name: str) -> None:
    """Wait until an action that an administrator creates in the name of `forged` ends up in this one."""
    boss = api.impersonating("boss", ["system:masters"])
    wanted = action("restartDeployment", "Deployment", "web", requestedBy="forged")
    async with asyncio.timeout(SECONDS):
        while True:
            made = await admitted(lambda: create(boss, wanted, "default"))
            if made["spec"]["requestedBy"] == name:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def switched_off(api: Api) -> AsyncIterator[None]:
    """Take the binding away, as an administrator might by mistake, until it has had its effect."""
    path = f"{REGISTRATION}/validatingadmissionpolicybindings/{POLICY}"
    await api.call("DELETE", path)
    try:
        wanted = action("restartDeployment", "Deployment", "web")
        await admitted(lambda: create(api.impersonating(CANARY), wanted, "default"))
        yield
    finally:
        assert await start_admission(api, None) == ""
