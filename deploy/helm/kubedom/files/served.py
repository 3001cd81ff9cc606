"""Wait until the page is served, for a minute at most. In: the address of /readyz. Out: exit code 0, or why not."""

import sys
import time
import urllib.error
import urllib.request

until, address = time.monotonic() + 60, sys.argv[1]
while True:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            print(f"{address} answers {answer.status}.")
            break
    except OSError as error:
        if time.monotonic() > until:
            told = error.read(500).decode(errors="replace") if isinstance(error, urllib.error.HTTPError) else ""
            sys.exit(f"{address}: {error}. {told}")
        time.sleep(1)
