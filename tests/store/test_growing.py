"""The whole-file hash that grows while chunks are written: what is read at the end, and when it isn't believed."""

from __future__ import annotations

import os
import threading
from random import Random

import pytest

from node.errors import IntegrityError
from node.store import growing
from node.store.identity import Identity, settle
from node.store.partial import Partial
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, read_tree, share_file, share_folder, some_bytes

COUNT = 9
CONTENT = some_bytes((COUNT - 1) * CHUNK + 5)


@pytest.fixture
def node(tmp_path):
    return Node(tmp_path, share_file(CONTENT))


@pytest.fixture
def read_back(monkeypatch):
    """The offsets that are read, of this test's files."""
    offsets: list[int] = []

    def recorded(real):
        def read(fd, what, offset):
            data = real(fd, what, offset)
            if data:
                offsets.append(offset)
            return data

        return read

    monkeypatch.setattr(os, "pread", recorded(os.pread))
    monkeypatch.setattr(os, "preadv", recorded(os.preadv))
    return offsets


def finished(node: Node, stored) -> bool:
    stored.finish(Watch())
    return read_tree(node.destination) == {"file.bin": CONTENT}


def write_each(node: Node, stored, indexes) -> None:
    for index in indexes:
        stored.write(node.share.chunks(index))


def test_nothing_is_read_of_what_came_in_order(node, read_back):
    stored = node.resumed()
    write_each(node, stored, range(COUNT))
    assert finished(node, stored)
    assert read_back == []


def test_what_came_early_is_read_back_once(node, read_back):
    stored = node.resumed()
    write_each(node, stored, [1, 0, 2, 4, 3, 5, 7, 6, 8])
    assert sorted(read_back) == [1 * CHUNK, 4 * CHUNK, 7 * CHUNK]
    assert finished(node, stored)
    assert len(read_back) == 3


@pytest.mark.parametrize("seed", range(10))
def test_in_any_order_no_more_is_read_than_the_file_has(node, read_back, seed):
    order = list(range(COUNT))
    Random(seed).shuffle(order)
    stored = node.resumed()
    for done, index in enumerate(order, start=1):
        stored.write(node.share.chunks(index))
        assert len(read_back) <= 2 * done
    assert finished(node, stored)
    assert len(read_back) == len(set(read_back)) <= COUNT


def test_a_process_that_goes_on_where_another_ended_reads_that_part_back(node, read_back):
    stored = node.resumed()
    write_each(node, stored, range(5))
    node.crash()
    stored = node.resumed()
    write_each(node, stored, range(5, COUNT))
    assert finished(node, stored)
    assert 5 <= len(read_back) == len(set(read_back)) < COUNT


@pytest.mark.parametrize("at", [0, 4, COUNT - 1])
def test_what_somebody_else_wrote_meanwhile_is_found(node, at):
    stored = node.resumed()
    write_each(node, stored, range(5))
    settle(Identity.of(os.stat(stored.part_path)))  # old kernels can't tell two writes of one moment
    with open(stored.part_path, "r+b") as part:
        part.seek(at * CHUNK + 1)
        part.write(b"mischief"[: 3 if at == COUNT - 1 else 8])
    write_each(node, stored, range(5, COUNT))
    if at == COUNT - 1:
        assert finished(node, stored), "our own write came after it"
        return
    with pytest.raises(IntegrityError, match="1 chunks went bad on disk"):
        stored.finish(Watch())
    assert list(stored.have.missing()) == [at]
    stored.write(node.share.chunks(at))
    assert finished(node, stored)


def test_what_an_earlier_run_left_and_went_bad_is_found_and_can_be_fetched_again(node):
    stored = node.resumed()
    write_each(node, stored, [0, 1, 2])
    with open(stored.part_path, "r+b") as part:
        part.write(b"bad")
    node.crash()
    stored = node.resumed()
    write_each(node, stored, range(3, COUNT))
    with pytest.raises(IntegrityError, match="1 chunks went bad on disk"):
        stored.finish(Watch())
    stored.write(node.share.chunks(0))
    assert finished(node, stored)


def test_threads_that_write_at_once_make_one_digest(node):
    stored = node.resumed()
    lots = [range(start, COUNT, 3) for start in range(3)]
    threads = [threading.Thread(target=write_each, args=(node, stored, lot)) for lot in lots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert finished(node, stored)


@pytest.mark.parametrize("late_step", ["write", "grow"])
def test_nothing_is_read_of_what_another_thread_wrote_just_now(node, read_back, monkeypatch, late_step):
    stored = node.resumed()
    is_late, may_go_on = threading.Event(), threading.Event()
    step = getattr(Partial, late_step)

    def late(*arguments):
        if threading.current_thread() is first:
            is_late.set()
            assert may_go_on.wait(10)
        return step(*arguments)

    monkeypatch.setattr(Partial, late_step, late)
    first = threading.Thread(target=write_each, args=(node, stored, [0]))
    first.start()
    assert is_late.wait(10)
    write_each(node, stored, [1, 2])
    may_go_on.set()
    first.join()
    write_each(node, stored, range(3, COUNT))
    assert finished(node, stored)
    assert read_back == []


def test_a_bounded_part_of_what_was_just_written_is_kept_and_nothing_once_nobody_writes(monkeypatch):
    monkeypatch.setattr(growing, "RECENT", 30)
    recent = growing.Recent()
    with recent:
        with recent:
            for index in [0, 1, 2, 3, 4, 4]:
                recent.keep(index, bytes(10))
        assert [recent.take(index) is not None for index in range(5)] == [False, False, True, True, True]
        recent.keep(5, bytes(10))
    with recent:
        assert recent.take(5) is None
        for index in (6, 7, 8):
            recent.keep(index, bytes(10))
        assert recent.take(6) is not None


def test_a_write_that_failed_is_not_believed(node, monkeypatch):
    stored = node.resumed()
    write_each(node, stored, range(4))
    real = os.pwrite

    def torn(fd, data, offset):
        real(fd, bytes(len(data) // 2), offset)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", torn)
        with pytest.raises(Exception, match="full"):
            stored.write(node.share.chunks(4))
    write_each(node, stored, range(4, COUNT))
    assert finished(node, stored)


def test_only_so_many_files_have_a_digest_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(growing, "MOST_FILES", 2)
    files = {f"{number}": some_bytes(2 * CHUNK + number, seed=number) for number in range(5)} | {"short": b"s"}
    node = Node(tmp_path, share_folder(files))
    stored = node.resumed()
    stored.write(node.share.chunks())
    stored.finish(Watch())
    assert read_tree(node.destination / "folder") == files
