"""Free ports on loopback for the components of a local cluster."""

from __future__ import annotations

import random
import socket

# Above the ports that people choose, below the ones that the kernel hands out for outgoing connections (32768 and up on
# Linux): one of those may be taken at any moment by a connection of any program.
LOWEST, HIGHEST = 20_000, 32_767


def is_free(port: int) -> bool:
    """Say whether nobody listens on this port, on loopback or on every address."""
    for address in ("127.0.0.1", ""):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # A connection of an earlier cluster that still lingers does not make a port unusable.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OSError:
                return False
    return True


def free_ports(count: int) -> list[int]:
    """Return distinct free ports.

    They are taken at random, so that two clusters that start at once hardly ever meet.
    """
    found: set[int] = set()
    while len(found) < count:
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - not a secret
        if port not in found and is_free(port):
            found.add(port)
    return list(found)
