"""What is asked of the cluster, and put into it, before anything is shown."""

from __future__ import annotations

import asyncio
import logging

from kubedom_bridge.actions import GROUP, PLURAL
from kubedom_bridge.errors import ClusterUnreachable, ConfigurationError, KubedomError, NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_operator.admission import Proof, discover, review_self, server_time, start_admission
from kubedom_operator.install import install_crds, missing_kinds
from kubedom_operator.versions import STAMP, VALIDATION, switched_off

FIRST_ANSWER_SECONDS = 10.0

log = logging.getLogger(__name__)


async def server_version(api: Api) -> str:
    """Ask the API server who it is; a user who waits in front of a terminal is told soon that it says nothing."""
    try:
        async with asyncio.timeout(FIRST_ANSWER_SECONDS):
            return str((await api.call("GET", "/version"))["gitVersion"])
    except TimeoutError:
        raise ClusterUnreachable(
            f"The API server {api.server} of context {api.name} does not answer: timed out.",
            remedy="Check that the cluster runs, and that a VPN or proxy to it is up.",
            field="--kubeconfig",
        ) from None


async def check_rights(api: Api, namespace: str | None) -> None:
    """Make sure that there is something to show.

    Raises:
        ConfigurationError: where the namespace does not exist.
        NotPermitted: without the right to list pods.

    """
    if namespace is not None:
        try:
            await api.call("GET", f"/api/v1/namespaces/{namespace}")
        except ApiError as error:
            if error.status == 404:
                raise ConfigurationError(
                    f"There is no namespace {namespace} in {api.name}.",
                    remedy="Correct --namespace; `kubectl get namespaces` lists them.",
                    field="--namespace",
                ) from None
            raise
        except NotPermitted:
            pass  # Who may see one namespace only can often not ask whether it exists.
    try:
        await api.call("GET", f"/api/v1/{f'namespaces/{namespace}/' if namespace else ''}pods", query={"limit": "1"})
    except NotPermitted as problem:
        if namespace is None:
            problem.remedy += " With the right to one namespace, name it with --namespace."
        raise


async def install(api: Api, namespace: str | None, version: str) -> Proof:
    """Install the kubedom kinds and their admission, and try it; the page works without healing."""
    await _say_what_is_off(api, version)
    why = await _healing_refused(api, namespace)
    if why:
        log.warning("%s", why)
    return Proof(why, await server_time(api))


async def _say_what_is_off(api: Api, version: str) -> None:
    served = await discover(api)
    present = [name for name, there in ((VALIDATION, served.validating), (STAMP, served.mutating)) if there]
    for sentence in switched_off(version, "operator", present=present):
        log.warning("%s", sentence)


async def _healing_refused(api: Api, namespace: str | None) -> str:
    try:
        await install_crds(api)
    except NotPermitted as problem:
        log.info("The kubedom kinds are taken as they are: %s", problem.message)
        missing = await missing_kinds(api)
        names = ", ".join(f"{plural}.{GROUP}" for plural in missing)
        why = (
            f"the API server does not know {names}, and this identity may not install them: apply the files of "
            "deploy/crds, or the chart, as an administrator."
        )
        if PLURAL in missing:
            return f"Not healing because {why}"
        if missing:
            log.warning("Not all is healed because %s", why)
    return await start_admission(api, namespace)


async def who_am_i(api: Api) -> str:
    """The name under which the API server knows us; `you` where it does not say."""
    try:
        return str((await review_self(api))["status"]["userInfo"]["username"])
    except KubedomError:
        return "you"
