"""What a client can do to the bridge that keeps to no rule: nothing that the others would notice."""

from __future__ import annotations

import contextlib
import json
import select
import time
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedom_bridge.protocol import BadMessage, decode_client_message
from kubedom_bridge.records import RING_ENTRIES

from .attacking import OPEN_SECONDS, Attacked, messages, read_until
from .wire import CLOSE, PONG, TEXT, Frame, Wire, frame

MIB = 2**20
BATCH = 500
# A copy for each of the 20 stalled clients' would be 800 MB; what the allocator keeps is far below this.
GROWTH_BYTES = 60 * MIB
ANSWERS = {"ack", "changes", "error", "heartbeat", "result", "resync", "snapshot", "snapshotEnd"}
FEW = settings(max_examples=400, deadline=None, derandomize=True)


def close_code(wire: Wire) -> int | None:
    return next((got.code for got in wire.read_all() if got.opcode == CLOSE), None)


def deflated(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return (packer.compress(bytes(size)) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def test_a_compressed_bomb_is_not_unpacked(attacked: Attacked) -> None:
    before = attacked.resident_bytes()
    # Below the limit of a message as long as it is packed.
    # Made before anybody waits for it.
    for bomb, code in ((deflated(64 * MIB), 1002), (deflated(128 * MIB), 1009)):
        with attacked.open(extensions="permessage-deflate; client_max_window_bits") as wire:
            assert "sec-websocket-extensions" not in wire.response.lower()
            wire.send(frame(bomb, first=0xC0))
            assert close_code(wire) == code
    assert attacked.resident_bytes() - before < 32 * MIB
    assert attacked.serves()


def test_where_compression_is_agreed_to_a_bomb_is_unpacked_no_further_than_a_message_may_be_long(
    attacked_compressing: Attacked,
) -> None:
    attacked = attacked_compressing
    before = attacked.resident_bytes()
    for bomb in (deflated(MIB), deflated(64 * MIB)):
        with attacked.open(extensions="permessage-deflate; client_max_window_bits") as wire:
            assert "server_no_context_takeover" in wire.response
            wire.send(frame(bomb, first=0xC0))
            assert close_code(wire) == 1009
    assert attacked.resident_bytes() - before < 32 * MIB
    assert attacked.serves()


def test_a_compressed_page_is_told_the_same_in_fewer_bytes(attacked_compressing: Attacked) -> None:
    attacked = attacked_compressing
    with attacked.subscribed() as plain, attacked.subscribed(extensions="permessage-deflate") as packed:
        for wire in (plain, packed):
            read_until(wire, "snapshotEnd")
        attacked.publish(50)
        ordinary, smaller = plain.read(), packed.read()
        assert ordinary.opcode == TEXT
        assert smaller.first == 0xC0 | TEXT
        unpacker = zlib.decompressobj(wbits=-15)
        assert unpacker.decompress(smaller.payload + b"\0\0\xff\xff") == ordinary.payload
        assert len(smaller.payload) < len(ordinary.payload) / 10


@pytest.mark.parametrize("fragment", [64 * MIB, 60_000, 100])
def test_a_message_that_grows_too_long_ends_in_1009(attacked: Attacked, fragment: int) -> None:
    before = attacked.resident_bytes()
    with attacked.subscribed() as wire:
        wire.send(frame(b"x" * min(fragment, MIB), first=0, length=fragment))
        for _ in range(64 * MIB // fragment if fragment > 100 else 1000):
            wire.send(frame(b"x" * min(fragment, MIB), opcode=0, first=0))
        assert close_code(wire) in (1009, None)
    assert attacked.resident_bytes() - before < 32 * MIB
    assert attacked.serves()


def test_readers_that_stall_cost_neither_memory_nor_their_neighbours(attacked: Attacked) -> None:
    for _ in range(RING_ENTRIES // BATCH):
        head = attacked.publish(BATCH)
    with attacked.subscribed() as healthy:
        read_until(healthy, "snapshotEnd")
        stalled = [attacked.subscribed(receive_buffer=4096) for _ in range(20)]
        for wire in stalled:
            read_until(wire, "snapshotEnd")
        before = attacked.resident_bytes()
        for _ in range(2 * RING_ENTRIES // BATCH):
            expected = list(range(head + 1, head + BATCH + 1))
            head = attacked.publish(BATCH)
            told: list[int] = []
            while len(told) < BATCH:
                told += [entry["sequence"] for entry in messages(healthy)["entries"]]
            assert told == expected
        assert attacked.resident_bytes() - before < GROWTH_BYTES
        for wire in stalled:
            wire.socket.close()
    assert attacked.serves()


def test_one_that_shakes_hands_and_says_nothing_is_told_to_leave(attacked: Attacked) -> None:
    silent = [attacked.open() for _ in range(50)]
    for wire in silent:
        assert close_code(wire) == 4400
        wire.socket.close()
    assert attacked.serves()


@pytest.mark.parametrize("start", [b"", b"GET /api/socket HTTP/1.1\r\nHost: "], ids=["nothing", "a byte at times"])
def test_handshakes_that_come_slowly_are_dropped(attacked: Attacked, start: bytes) -> None:
    slow = {wire.socket: wire for wire in (Wire(attacked.port) for _ in range(200))}
    try:
        for wire in slow.values():
            wire.send(start)
        # Far longer than the limit, so that it matters only where there is none.
        given_up = time.monotonic() + 10 * OPEN_SECONDS
        kept = set(slow)
        while kept:
            if time.monotonic() > given_up:
                raise TimeoutError
            for one in select.select(kept, (), (), 0.1)[0]:
                with contextlib.suppress(ConnectionResetError):
                    # A sentence before the end is welcome.
                    if one.recv(1024):
                        continue
                kept.discard(one)
            for one in kept if start else ():
                slow[one].send(b"1")
    finally:
        for one in slow:
            one.close()
    assert attacked.serves()


def test_slow_handshakes_keep_nobody_waiting(attacked: Attacked) -> None:
    slow = [Wire(attacked.port) for _ in range(500)]
    try:
        for wire in slow[::2]:
            wire.send(b"GET /api/socket HTTP/1.1\r\n")
        assert attacked.serves()
    finally:
        for wire in slow:
            wire.socket.close()


odd_frames = st.builds(
    frame,
    st.binary(max_size=300) | st.just(b"\x03\xe8") | st.just(b'{"type":"subscribe"}'),
    opcode=st.integers(0, 15),
    first=st.sampled_from([0x80, 0x80, 0, 0x40, 0x90, 0xA0, 0xC0, 0xF0]),
    masked=st.sampled_from([True, True, True, False]),
    length=st.sampled_from([-1, -1, -1, 0, 125, 70_000, 2**31, 2**62]),
)


@FEW
@given(sent=st.binary(max_size=500) | st.lists(odd_frames, max_size=8).map(b"".join))
def test_whatever_frames_come_the_answer_is_in_order(attacked: Attacked, sent: bytes) -> None:
    with attacked.open() as wire:
        wire.send(sent)
        wire.end_sending()
        for answer in wire.read_all():
            assert is_proper(answer), answer
    assert "Traceback" not in attacked.log.read_text()


def is_proper(answer: Frame) -> bool:
    if answer.opcode == CLOSE:
        # A close frame is answered with its own code.
        return answer.code is None or 1000 <= answer.code < 5000
    return answer.opcode == PONG or (answer.opcode == TEXT and json.loads(answer.payload)["type"] in ANSWERS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def near(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of nearly this shape: fields may be left out or of any type."""
    return st.fixed_dictionaries({}, optional={name: values | json_values for name, values in fields.items()})


texts = st.sets(st.text(max_size=5), max_size=2).map(list)
odd_messages = st.one_of(
    json_values.map(json.dumps),
    near(
        type=st.just("subscribe"),
        filter=near(namespaces=texts, kinds=texts, types=texts),
        since=near(epoch=st.text(max_size=4), sequence=st.integers()),
    ).map(json.dumps),
    near(
        type=st.just("command"),
        id=st.just("c"),
        name=st.sampled_from(["restartPod", "restartDeployment", "eat"]),
        target=near(kind=st.just("Pod"), name=st.sampled_from(["p", "../p", ""]), namespace=st.just("default")),
        idempotencyKey=st.text(max_size=4),
        reason=st.text(max_size=4),
    ).map(json.dumps),
    st.sampled_from(["[" * 30_000, '{"a":' * 10_000, '{"type":"subscribe"', "", '"\\ud800"', '{"id":1e999}']),
    st.text(max_size=30),
)


def unreadable(message: str) -> bool:
    try:
        decode_client_message(message)
    except BadMessage:
        return True
    return False


@FEW
@given(message=odd_messages)
def test_whatever_message_comes_is_answered_or_ends_in_a_code(attacked: Attacked, message: str) -> None:
    with attacked.open() as wire:
        wire.send(frame(message.encode(errors="surrogatepass")))
        # Answered in order, so whatever comes before its answer belongs to the message.
        wire.send(frame(b'{"type":"last"}'))
        answers = []
        for got in wire.read_all():
            assert is_proper(got), got
            if got.opcode == CLOSE or b'\\"last\\"' in got.payload:
                break
            answers.append(json.loads(got.payload))
        else:
            pytest.fail("the connection ended without a close code")
        if got.opcode == CLOSE:
            assert got.code in (4400, 1007)
        elif unreadable(message):
            # A heartbeat may come at any time.
            assert [answer["type"] for answer in answers if answer["type"] != "heartbeat"] == ["error"]
    assert "Traceback" not in attacked.log.read_text()


def test_after_all_of_this_it_serves(attacked: Attacked) -> None:
    assert attacked.serves()
