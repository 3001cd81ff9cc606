"""Wait until the page is served, for a minute at most. In: a host and its port. Out: exit code 0, or what it says."""

import sys
import time
from http.client import HTTPConnection, HTTPException

host, port = sys.argv[1], int(sys.argv[2])
until = time.monotonic() + 60
while True:
    try:
        connection = HTTPConnection(host, port, timeout=5)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = f"{host}:{port}/readyz answers {answer.status}: {answer.read(500).decode(errors='replace')}"
        if answer.status == 200:
            print(said)
            break
    except (OSError, HTTPException) as error:
        said = f"{host}:{port} cannot be reached: {error}"
    if time.monotonic() > until:
        sys.exit(said)
    time.sleep(1)
