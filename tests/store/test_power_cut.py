"""Power cuts: what had reached the disk is believed, the rest is read again, and nothing else is."""

from __future__ import annotations

import os

import pytest

from node.errors import StorageError
from node.store import chunk_table, downloads, partial
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, share_file, share_folder, some_bytes

FILES = {"a.bin": some_bytes(2 * CHUNK + 7, seed=1), **{f"many/{number}": b"file %d" % number for number in range(9)}}


@pytest.fixture
def file(tmp_path):
    return Node(tmp_path, share_file(some_bytes(5 * CHUNK + 123)))


@pytest.fixture
def folder(tmp_path):
    return Node(tmp_path, share_folder(FILES))


@pytest.fixture
def reboot(monkeypatch):
    """Call it to make the machine start anew, in the eyes of the store."""
    boots = iter(range(1000))

    def reboot() -> None:
        boot = f"boot {next(boots)}"
        monkeypatch.setattr(chunk_table, "boot_id", lambda: boot)

    return reboot


def test_after_a_power_cut_only_what_was_not_flushed_is_read_again(file, reboot):
    reboot()
    stored = file.resumed()
    stored.write(file.share.chunks(0, 1))
    stored.flush()
    stored.write(file.share.chunks(3, 4))
    with open(stored.part_path, "r+b") as part:  # the page of chunk 4 never reached the disk
        part.seek(4 * CHUNK)
        part.write(bytes(CHUNK))
    file.crash()
    reboot()
    stored = file.open()
    assert stored.needs_recheck
    read: list[int] = []
    assert list(stored.resume(Watch(progress=read.append))) == [0, 1, 3]
    assert read[-1] == 2 * CHUNK
    assert not stored.needs_recheck
    assert list(file.recorded) == [0, 1, 3]
    file.crash()
    reboot()
    assert not file.open().needs_recheck


def test_what_an_earlier_boot_left_in_doubt_is_never_believed_later(file, reboot):
    reboot()
    file.resumed().write(file.share.chunks(0))
    reboot()
    file.catalogue.record_chunks(file.share.cid, [1], file.share.manifest.geometry)  # somebody who didn't resume
    assert list(file.recorded) == [1]
    assert file.catalogue.get(file.share.cid).bytes_have == CHUNK


def test_closing_flushes_so_that_nothing_is_in_doubt(folder, reboot):
    reboot()
    stored = folder.resumed()
    stored.write(folder.share.chunks(0, 4, 9))
    stored.close()
    assert len(folder.descriptors) == 0
    folder.crash()
    reboot()
    assert not folder.open().needs_recheck


def test_a_long_download_is_flushed_on_its_way(file, reboot, monkeypatch):
    reboot()
    stored = file.resumed()
    stored.write(file.share.chunks(0))
    monkeypatch.setattr(downloads, "FLUSH_S", 0.0)
    stored.write(file.share.chunks(1))
    monkeypatch.setattr(downloads, "FLUSH_S", 1000.0)
    stored.write(file.share.chunks(2))
    reboot()
    assert file.catalogue.held(file.share.cid).doubtful == (2,)


@pytest.fixture
def synced(monkeypatch):
    """The paths of what was synced, by whichever call."""
    paths: list[str] = []

    def note(fd: int) -> None:
        paths.append(os.readlink(f"/proc/self/fd/{fd}"))

    monkeypatch.setattr(os, "fdatasync", note)
    monkeypatch.setattr(partial, "sync_file_system", note)
    return paths


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_written_before_a_restart_is_flushed_by_the_next_flush(kind, request, reboot, synced):
    node = request.getfixturevalue(kind)
    reboot()
    node.resumed().write(node.share.chunks(0))
    node.crash()
    stored = node.resumed()
    stored.flush()
    assert synced == [stored.part_path if kind == "file" else str(node.destination)]
    stored.flush()
    assert len(synced) == 1
    reboot()
    assert node.catalogue.held(node.share.cid).doubtful == ()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_gets_its_final_name_before_it_is_on_the_disk(kind, request, synced):
    node = request.getfixturevalue(kind)
    stored = node.resumed()
    stored.write(node.share.chunks())
    stored.finish(Watch())
    assert synced == [stored.part_path if kind == "file" else str(node.destination)]


def test_a_flush_that_fails_confirms_nothing(file, reboot, monkeypatch):
    reboot()
    stored = file.resumed()
    stored.write(file.share.chunks(0))

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        with pytest.raises(StorageError, match="I/O error"):
            stored.flush()
    held = file.catalogue.held(file.share.cid)
    assert (list(held.have), list(held.flushed)) == ([0], [])
    stored.flush()
    assert list(file.catalogue.held(file.share.cid).flushed) == [0]
