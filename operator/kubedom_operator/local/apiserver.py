"""A few requests to a local cluster's API server and etcd, with nothing but the standard library.

What the start of a cluster needs before any client is set up: readiness, the nodes, the compaction of etcd.
"""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class ApiServer:
    """The API server of the cluster in `folder`, asked as its administrator."""

    folder: Path
    server: str

    def ready(self) -> bool:
        """Say whether it answers and says that it is ready."""
        try:
            self.request("GET", "/readyz", timeout=3)
        except (OSError, ValueError):
            return False
        return True

    def request(self, method: str, path: str, body: Any = None, timeout: float = 10) -> Any:
        """Send one request and return the answer's JSON, or its text.

        Raises:
            OSError: It does not answer, or refuses (`urllib.error.HTTPError`).

        """
        request = urllib.request.Request(  # noqa: S310 - the scheme is always https
            self.server + path, method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Content-Type", "application/json")
        return _send(request, timeout, _context(self.folder))


def write_kubeconfig(folder: Path, context: str, server: str) -> Path:
    """Write the cluster's kubeconfig, complete in itself, so that it can be copied; return its path."""
    pki = folder / "pki"

    def data(name: str) -> str:
        return base64.b64encode(pki.joinpath(name).read_bytes()).decode("ascii")

    cluster = {"certificate-authority-data": data("ca.crt"), "server": server}
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": context, "cluster": cluster}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        "current-context": context,
        "users": [{"name": context, "user": user}],
    }
    path = folder / "kubeconfig"
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def compact(etcd: str) -> int:
    """Compact etcd up to its present revision through its JSON gateway; return that revision."""
    revision = int(_etcd(etcd, "/v3/maintenance/status", {})["header"]["revision"])
    _etcd(etcd, "/v3/kv/compaction", {"revision": str(revision), "physical": True})
    return revision


def _etcd(address: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(address + path, method="POST", data=json.dumps(body).encode())  # noqa: S310
    return _send(request, 10, None)


def _context(folder: Path) -> ssl.SSLContext:
    pki = folder / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    # kwokctl's authority lacks the extension that newer Pythons ask of one; its chain is checked all the same.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    context.load_cert_chain(str(pki / "admin.crt"), str(pki / "admin.key"))
    return context


def _send(request: urllib.request.Request, timeout: float, context: ssl.SSLContext | None) -> Any:
    # A proxy of the environment has no business on loopback.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context is not None:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as response:
        content = response.read()
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
