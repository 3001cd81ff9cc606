"""A WebSocket client that sends what it is told to, well formed or not, and reads frames as they came."""

from __future__ import annotations

import os
import socket
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import NamedTuple

TEXT, CLOSE, PONG = 1, 8, 10


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    first: int = 0x81

    @property
    def code(self) -> int | None:
        """The code of a close frame."""
        return struct.unpack("!H", self.payload[:2])[0] if self.opcode == CLOSE and len(self.payload) > 1 else None


def frame(payload: bytes, *, opcode: int = TEXT, first: int = 0x80, masked: bool = True, length: int = -1) -> bytes:
    """Build a frame; `first` are the bits above the opcode, `length` is what it claims to have."""
    length = len(payload) if length < 0 else length
    mask = 0x80 if masked else 0
    if length < 126:
        head = struct.pack("!BB", first | opcode, mask | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first | opcode, mask | 126, length)
    else:
        head = struct.pack("!BBQ", first | opcode, mask | 127, length)
    # A mask of zeros leaves the payload as it is.
    return head + bytes(4 if masked else 0) + payload


class Wire:
    """One raw connection; `response` is the head of the answer to its handshake."""

    def __init__(self, port: int, *, cookie: str = "", extensions: str = "", receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))
        self._port = port
        self._unread = b""
        self.response = ""
        if cookie:
            self._shake_hands(port, cookie, extensions)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _shake_hands(self, port: int, cookie: str, extensions: str) -> None:
        lines = [f"Origin: http://127.0.0.1:{port}", f"Cookie: {cookie}"]
        self.shake_hands(lines + ([f"Sec-WebSocket-Extensions: {extensions}"] if extensions else []))

    def shake_hands(self, headers: list[str]) -> None:
        """Ask for the socket, with these headers beside the ordinary ones; `response` is the head of the answer."""
        lines = [
            "GET /api/socket HTTP/1.1",
            f"Host: 127.0.0.1:{self._port}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Protocol: kubedom.v1",
            *headers,
        ]
        self.ask(lines)

    def ask(self, lines: Sequence[str], body: bytes = b"") -> None:
        """Send the head and body of a request as they are; `response` is the head of the answer."""
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        while b"\r\n\r\n" not in self._unread:
            self._receive()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        self.response = head.decode("latin-1")

    @property
    def status(self) -> int:
        """The status of the last answer."""
        return int(self.response.split()[1])

    def header(self, name: str) -> str:
        """A header of the last answer; empty where it has none."""
        lines = (line.partition(": ") for line in self.response.split("\r\n")[1:])
        return next((value for key, _, value in lines if key.lower() == name.lower()), "")

    def body(self) -> bytes:
        """The body of the last answer, as long as it says to be."""
        return self._take(int(self.header("content-length") or 0))

    def send(self, data: bytes) -> None:
        """Send bytes, as far as the bridge still takes any."""
        try:
            self.socket.sendall(data)
        except OSError:
            return

    def end_sending(self) -> None:
        """Send nothing more."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def _receive(self) -> None:
        received = self.socket.recv(65_536)
        if not received:
            raise EOFError
        self._unread += received

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._receive()
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def read(self) -> Frame:
        """Read a frame.

        Raises:
            EOFError: where the connection is at its end.

        """
        first, length = self._take(2)
        assert not length & 0x80, "a server does not mask"
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return Frame(first & 0x0F, self._take(length), first & 0xCF)

    def read_all(self) -> Iterator[Frame]:
        """Read to the end; what was sent after the bridge closed lets the kernel end it with a reset."""
        try:
            while True:
                yield self.read()
        except (EOFError, ConnectionResetError):
            return
