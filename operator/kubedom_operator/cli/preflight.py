"""What is asked of the cluster, and put into it, before anything is shown."""

from __future__ import annotations

import asyncio
import logging

from kubedom_bridge.errors import ClusterUnreachable, ConfigurationError, KubedomError, NotPermitted
from kubedom_bridge.kube import Api, ApiError
from kubedom_operator.admission import Proof, review_self, server_time, start_admission
from kubedom_operator.install import install_crds

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


async def install(api: Api, namespace: str | None) -> Proof:
    """Install the kubedom kinds and their admission, and try it; the page works without healing."""
    why = await _healing_refused(api, namespace)
    if why:
        log.warning("%s", why)
    return Proof(why, await server_time(api))


async def _healing_refused(api: Api, namespace: str | None) -> str:
    try:
        await install_crds(api)
    except NotPermitted as problem:
        try:
            await api.call("GET", "/apis/kubedom.dev/v1alpha1")
        except KubedomError:
            return f"Not healing because the kubedom kinds cannot be installed: {problem}"
    return await start_admission(api, namespace)


async def who_am_i(api: Api) -> str:
    """The name under which the API server knows us; `you` where it does not say."""
    try:
        return str((await review_self(api))["status"]["userInfo"]["username"])
    except KubedomError:
        return "you"
