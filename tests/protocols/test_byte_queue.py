"""The queue of bytes against a plain byte string, and what it pins in memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from protocols.byte_queue import LARGE, MERGED, SMALL, ByteQueue
from protocols.noise.transport import MAX_PLAINTEXT, OPENED_TOGETHER

PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([bytes(SMALL - 1), b"x" * SMALL, b"y" * (SMALL + 1), b"z" * (MERGED + 1)]),
    st.sampled_from([memoryview(b"m" * 9000), memoryview(b"n" * 9000)[:5], memoryview(b"o" * 9000)[100:8000]]),
)
STEPS = st.lists(st.one_of(PIECES, st.integers(0, 10_000)), max_size=30)


@given(STEPS)
def test_gives_what_was_added_in_order(steps: list[bytes | memoryview | int]):
    queue, model = ByteQueue(), b""
    for step in steps:
        if isinstance(step, int):
            assert queue.take(step) == model[:step]
            model = model[step:]
        else:
            queue.append(step)
            model += bytes(step)
        assert len(queue) == len(model)
    assert queue.take(len(model) + 1) == model
    assert len(queue) == 0


@given(STEPS)
def test_pieces_taken_stay_valid(steps: list[bytes | memoryview | int]):
    queue, added, taken = ByteQueue(), b"", []
    for step in steps:
        if isinstance(step, int):
            taken += queue.take_pieces(step)
        else:
            queue.append(step)
            added += bytes(step)
    taken += queue.take_pieces(len(queue))
    assert b"".join(taken) == added


def test_large_pieces_are_not_copied():
    data = bytes(SMALL)
    queue = ByteQueue()
    queue.append(data)
    queue.append(memoryview(data))
    first, second = queue.take_pieces(2 * SMALL)
    assert first is data
    assert isinstance(second, memoryview)
    assert second.obj is data


def test_clear_forgets_everything():
    queue = ByteQueue()
    queue.append(b"x" * 10_000)
    queue.take(1)
    queue.clear()
    assert (len(queue), queue.take(10)) == (0, b"")


def held_by(queue: ByteQueue, piece_size: int, buffer_size: int) -> float:
    """Bytes of memory per byte queued, when each piece is a slice of a buffer of its own."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    while len(queue) < 1 << 16:
        queue.append(memoryview(bytes(buffer_size))[:piece_size])
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / len(queue)


def test_pins_little_more_than_it_holds():
    for piece_size, buffer_size in [(1, 65_519), (100, 65_519), (4096, 65_519), (30_000, 65_519), (65_507, 65_519)]:
        assert held_by(ByteQueue(), piece_size, buffer_size) < 2.3, (piece_size, buffer_size)
    assert held_by(ByteQueue(), LARGE, OPENED_TOGETHER * MAX_PLAINTEXT) < 4.3


def test_parts_of_a_large_write_are_not_copied():
    data = bytes(1 << 20)
    queue = ByteQueue()
    queue.append(memoryview(data)[: 1 << 18])
    assert [piece.obj for piece in queue.take_pieces(1 << 17)] == [data]
    (rest,) = queue.take_pieces(1 << 20)
    assert rest.obj is data
    assert len(rest) == 1 << 17
