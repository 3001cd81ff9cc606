from hypothesis import given
from hypothesis import strategies as st

from kubedom_operator.watch.lines import LineSplitter

LINES = st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" ")), max_size=12)


@given(LINES, st.lists(st.integers(1, 60), min_size=1), st.binary(max_size=20))
def test_any_way_to_cut_a_stream_gives_the_same_lines(lines: list[bytes], sizes: list[int], broken: bytes) -> None:
    stream = b"".join(line + b"\n" for line in lines) + broken.replace(b"\n", b" ")
    splitter = LineSplitter()
    found: list[bytes] = []
    start = turn = 0
    while start < len(stream):
        size = sizes[turn % len(sizes)]
        found += splitter.feed(stream[start : start + size])
        start, turn = start + size, turn + 1
    assert found == [line for line in lines if line]


def test_a_line_may_be_far_larger_than_any_buffer() -> None:
    splitter = LineSplitter()
    chunk = b"x" * 65_536
    for _ in range(500):
        assert splitter.feed(chunk) == []
    assert splitter.feed(b"y\nnext") == [chunk * 500 + b"y"]
    assert splitter.feed(b"\n") == [b"next"]


def test_what_a_broken_stream_leaves_is_no_line() -> None:
    assert LineSplitter().feed(b'{"type":"ADD') == []
