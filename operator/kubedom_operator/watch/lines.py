"""From the bytes of a watch to its lines.

In go chunks as the network cuts them; out come the complete lines, without their newline. A line may be larger than any
buffer (aiohttp's own `readline` refuses what exceeds its limit); what is left of a stream that broke is never a line.
"""

from __future__ import annotations


class LineSplitter:
    """Joins what chunks cut apart."""

    def __init__(self) -> None:
        # Parts of a line whose end has not come; joined only once, so that a large line is not copied a chunk.
        self._parts: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Give the lines that this chunk completes; empty lines are left out."""
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if not lines:
            self._parts.append(rest)
            return lines
        if self._parts:
            self._parts.append(lines[0])
            lines[0] = b"".join(self._parts)
            self._parts = []
        if rest:
            self._parts.append(rest)
        return lines if all(lines) else [line for line in lines if line]
