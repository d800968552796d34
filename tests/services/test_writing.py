"""What waits for the disk: in batches, soon, and never too much of it."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from node.services.writing import BATCH, BATCH_CHUNKS, GATHER_S, WAITING, Arrived, WriteQueue
from protocols.exchange import MAX_HAVE

MIB = 1 << 20


@pytest.fixture
def queue():
    return WriteQueue()


async def put_all(queue, count, size=MIB, **how):
    how = {"is_urgent": False, **how}
    for chunk in range(count):
        await queue.put(chunk, bytearray(size), **how)


def numbers(batch):
    return [chunk for chunk, _ in batch]


async def test_chunks_that_come_close_together_are_one_batch(autojump_clock, queue, nursery):
    nursery.start_soon(put_all, queue, 3)
    began = trio.current_time()
    assert numbers(await queue.take()) == [0, 1, 2]
    assert trio.current_time() - began == pytest.approx(GATHER_S)


async def test_a_full_batch_waits_for_nothing(autojump_clock, queue):
    await put_all(queue, BATCH // MIB + 1)
    began = trio.current_time()
    assert numbers(await queue.take()) == [0, 1, 2, 3]
    assert numbers(await queue.take()) == [4]
    assert trio.current_time() == began


async def test_an_urgent_chunk_waits_for_nothing(autojump_clock, queue):
    await put_all(queue, 1, is_urgent=True)
    began = trio.current_time()
    assert numbers(await queue.take()) == [0]
    assert trio.current_time() == began


async def test_a_batch_of_tiny_files_is_no_more_than_one_have_tells_of(autojump_clock, queue):
    assert BATCH_CHUNKS <= MAX_HAVE
    await put_all(queue, BATCH_CHUNKS + 5, size=10)
    assert len(await queue.take()) == BATCH_CHUNKS
    assert len(await queue.take()) == 5


async def test_several_sessions_wait_for_room_and_all_go_on(autojump_clock, queue, nursery):
    done = []

    async def session():
        await put_all(queue, 2 * WAITING // MIB)
        done.append(True)

    for _ in range(3):
        nursery.start_soon(session)
    await trio.testing.wait_all_tasks_blocked()
    assert not done
    taken = 0
    while taken < 3 * 2 * WAITING // MIB:
        taken += len(await queue.take())
    await trio.testing.wait_all_tasks_blocked()
    assert len(done) == 3


async def test_a_chunk_whose_peer_goes_while_there_is_no_room_is_written_all_the_same(queue, nursery):
    nursery.start_soon(put_all, queue, WAITING // MIB)
    await trio.testing.wait_all_tasks_blocked()
    with trio.CancelScope() as session:
        nursery.start_soon(cancel_when_blocked, session)
        await queue.put(99, bytearray(MIB), is_urgent=False)
    assert session.cancelled_caught
    taken = [number for _ in range(3) for number in numbers(await queue.take())]
    assert taken == [*range(WAITING // MIB), 99]


async def cancel_when_blocked(scope):
    await trio.testing.wait_all_tasks_blocked()
    scope.cancel()


async def test_two_writers_get_every_chunk_once(autojump_clock, queue, nursery):
    taken = []

    async def writer():
        while True:
            taken.extend(numbers(await queue.take()))

    nursery.start_soon(writer)
    nursery.start_soon(writer)
    await put_all(queue, 40)
    await trio.sleep(1)
    nursery.cancel_scope.cancel()
    assert sorted(taken) == list(range(40))


def test_a_chunk_is_what_came_of_it_in_order():
    arrived = Arrived()
    read = memoryview(bytes(range(200)))
    for start, end in ((100, 200), (0, 70), (70, 100)):
        arrived.keep(7, start, read[start:end])
    arrived.keep(8, 0, b"other")
    rope = arrived.take(7)
    assert (len(rope), bytes(rope)) == (200, bytes(read))
    assert bytes(arrived.take(8)) == b"other"


def test_a_dropped_chunk_begins_anew():
    arrived = Arrived()
    arrived.keep(0, 0, b"wrong")
    arrived.drop(0)
    arrived.drop(1)
    arrived.keep(0, 0, b"right")
    assert bytes(arrived.take(0)) == b"right"


def test_what_is_kept_pins_little_more_than_itself():
    arrived = Arrived()
    read = memoryview(bytes(MIB))
    arrived.keep(0, 0, read[: MIB // 4])
    arrived.keep(1, 0, read[:16_384])
    (large,) = arrived.take(0).parts
    (small,) = arrived.take(1).parts
    assert large.obj is read.obj, "not copied"
    assert isinstance(small, bytes)
