"""What the pod of `helm test` runs ends well where the page is served, and waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.deploy.charting import CHART

SCRIPT = CHART / "files" / "served.py"


def test_it_asks_until_the_page_is_ready() -> None:
    answers = [503, 503, 200]
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(answers[len(asked) - 1])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        command = [sys.executable, SCRIPT, "127.0.0.1", str(server.server_port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        server.shutdown()
        thread.join()
    assert done.returncode == 0, done.stderr
    assert asked == ["/readyz"] * 3
    assert "answers 200" in done.stdout
