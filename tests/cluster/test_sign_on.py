"""Sign-on as docs/operations.md has it: the real oauth2-proxy in front, which says to kubedom who each user is."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.cluster.identities import binding
from tests.cluster.test_many_users import Page
from tests.conftest import Cluster, teller
from tests.deploy.tools import ensure_proxy
from tests.kubelet import by_hand
from tests.provider import CLIENT, SECRET, Provider
from tests.running import KubedomRun
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from kubedom_operator.local.ports import free_ports

pytestmark = pytest.mark.cluster

ANN = "ann@example.org"
SECONDS = 60.0


@pytest.fixture(scope="module")
def program(request: pytest.FixtureRequest) -> Path:
    return ensure_proxy(teller(request.config))


@pytest.fixture
def address() -> str:
    """Where browsers find the proxy, and so kubedom."""
    (port,) = free_ports(1)
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def run(cluster: Cluster, address: str) -> Iterator[KubedomRun]:
    where = (f"--kubeconfig={cluster.kubeconfig}", f"--context={cluster.context}")
    with KubedomRun(*where, "--trusted-proxy=127.0.0.1/32", f"--origin={address}") as started:
        yield started


@pytest.fixture
async def proxied(program: Path, run: KubedomRun, address: str) -> AsyncIterator[str]:
    """The proxy in front of kubedom, and a provider that signs everybody in as Ann, who is in the group `shop`."""
    claims = {"sub": "1", "email": ANN, "email_verified": True, "groups": ["shop", "system:masters"]}
    provider = Provider(claims)
    async with provider.serving(), running(program, provider.issuer, run.origin, address):
        yield address


@asynccontextmanager
async def running(program: Path, issuer: str, upstream: str, address: str) -> AsyncIterator[None]:
    """Run oauth2-proxy until the context ends."""
    options = [
        "--provider=oidc",
        f"--oidc-issuer-url={issuer}",
        f"--client-id={CLIENT}",
        f"--client-secret={SECRET}",
        "--scope=openid email groups",
        f"--upstream={upstream}",
        "--prefer-email-to-user=true",
        f"--redirect-url={address}/oauth2/callback",
        f"--http-address={address.removeprefix('http://')}",
        f"--cookie-secret={secrets.token_hex(16)}",
        # Without TLS, as only a test is.
        "--cookie-secure=false",
        "--email-domain=*",
        "--skip-provider-button=true",
    ]
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(program, *options, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as http:
                while process.returncode is None:
                    try:
                        async with http.get(f"{address}/ping") as answer:
                            assert answer.status == 200
                        break
                    except aiohttp.ClientConnectionError:
                        await asyncio.sleep(0.05)
            assert process.returncode is None, "oauth2-proxy ended by itself"
            yield
        except BaseException:
            log.seek(0)
            print(log.read().decode())
            raise
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_who_comes_by_oauth2_proxy_is_signed_in_and_sees_what_the_api_server_lets_them(
    proxied: str, cluster: Cluster, namespace: str
) -> None:
    bound = binding("shop", {"kind": "Group", "name": "shop"}, "view", namespace)
    cluster.apply(bound, by_hand("web"), namespace=namespace)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        # By the provider and back, as a browser is sent.
        async with http.get(proxied) as answer:
            assert answer.status == 200
            assert "kubedom" in await answer.text()
            assert [str(each.url.path) for each in answer.history] == ["/", "/authorize", "/oauth2/callback"]
        async with http.get(f"{proxied}/api/session") as answer:
            assert await answer.json() == {"user": ANN, "groups": ["shop", "system:authenticated"], "expires": None}
        # Whatever a browser says itself.
        async with http.get(f"{proxied}/api/session", headers={"X-Forwarded-User": "root"}) as answer:
            assert (await answer.json())["user"] == ANN
        cookie = "; ".join(f"{each.key}={each.value}" for each in http.cookie_jar)
    async with connect(
        f"{proxied.replace('http', 'ws')}/api/socket",
        origin=Origin(proxied),
        subprotocols=[Subprotocol("kubedom.v1")],
        additional_headers={"Cookie": cookie},
        max_size=None,
        proxy=None,
    ) as socket:
        await socket.send('{"type":"subscribe"}')
        page = Page(socket)
        await page.until(lambda: "web" in page.names("Deployment"))
        assert namespace in page.names("Namespace")
        # There nobody of the group may see anything.
        assert "default" not in page.names("Namespace")


async def test_nobody_comes_without_signing_in_or_from_another_address(proxied: str, run: KubedomRun) -> None:
    async with aiohttp.ClientSession() as http:
        for path in ("/", "/api/socket"):
            async with http.get(proxied + path, allow_redirects=False) as answer:
                assert answer.status == 302
                assert "/authorize?" in answer.headers["Location"]
    # Past the proxy, with what the proxy would say.
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    said = {"X-Forwarded-User": ANN}
    async with (
        aiohttp.ClientSession(connector=elsewhere) as http,
        http.get(f"{run.origin}/api/session", headers=said) as answer,
    ):
        assert answer.status == 401
