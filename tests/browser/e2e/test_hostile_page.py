"""A page of another origin, in the browser of somebody who is signed in, gets nowhere."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page
from tests.browser.e2e.conftest import Start, sign_in, until
from tests.conftest import Cluster
from tests.kubelet import by_hand

HOSTILE = """<!doctype html><title>hostile</title><iframe name="away"></iframe>
<form id="form" method="post" target="away"></form>
<script>
  window.found = {};
  window.attack = async (target) => {
    for (const protocols of [['kubedom.v1'], []]) {
      await new Promise((done) => {
        const socket = new WebSocket(target.replace('http', 'ws') + '/api/socket', protocols);
        socket.onopen = () => { found.opened = true; socket.send('{"type":"subscribe"}'); };
        socket.onmessage = (event) => { found.heard = event.data; };
        socket.onclose = done;
      });
    }
    for (const [name, init] of Object.entries({
      deploy: {method: 'POST'},
      form: {method: 'POST', body: new URLSearchParams({token: 'x'})},
      plain: {method: 'POST', body: '{"token":"x"}', headers: {'content-type': 'text/plain'}},
      json: {method: 'POST', body: '{"token":"x"}', headers: {'content-type': 'application/json'}},
      remove: {method: 'DELETE'},
    })) {
      const path = name === 'deploy' ? '/api/deploy' : '/api/session';
      for (const mode of ['cors', 'no-cors']) {
        try {
          const answer = await fetch(target + path, {...init, mode, credentials: 'include'});
          if (answer.type !== 'opaque') found[name + mode] = answer.status;
        } catch { /* The browser keeps the answer from the page, which is right. */ }
      }
    }
    try { found.page = await (await fetch(target + '/', {credentials: 'include'})).text(); } catch { /* Right too. */ }
    const form = document.getElementById('form');
    form.action = target + '/api/deploy';
    form.submit();
    found.done = true;
  };
</script>"""


class _Hostile(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(HOSTILE.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def elsewhere() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hostile) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_it_opens_no_socket_reads_nothing_and_starts_nothing(
    cluster: Cluster,
    namespace: str,
    start: Start,
    page: Page,
    context: BrowserContext,
    elsewhere: int,
    host: str,
) -> None:
    cluster.apply(by_hand("api"), namespace=namespace)
    run = start(f"--namespace={namespace}", f"--default-deployment={namespace}/api", "--verbose")
    await sign_in(page, run)
    hostile = await context.new_page()
    # 127.0.0.1 with another port is the same site, so that even a strict cookie comes along.
    await hostile.goto(f"http://{host}:{elsewhere}/")
    await hostile.evaluate("(target) => attack(target)", run.origin)
    found: dict[str, Any] = await hostile.evaluate("found")
    assert found == {"done": True}
    await until(page, "document.querySelector('kube-cluster').status.state === 'live'")
    assert cluster.get("healingactions", f"--namespace={namespace}")["items"] == []
    refused = [line for line in run.output().splitlines() if '"outcome": "origin"' in line]
    # Two sockets, what the browser let out of ten requests, and the form.
    assert sum("/api/socket" in line for line in refused) == 2
    assert sum("/api/deploy" in line for line in refused) >= 2
