"""A full disk pauses a download and spoils nothing; with room again it goes on."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.errors import StorageError
from node.status import TransferState
from node.store.downloads import StoredDownload
from node.store.errors import DiskFull
from node.store.space import check_room, free_space
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, Share, read_tree, share_file, share_folder, some_bytes

CAPACITY = 16 * CHUNK
CONTENT = some_bytes(24 * CHUNK)


@dataclass
class Disk:
    """A folder with little room, and how to give it more."""

    path: Path
    enlarge: Callable[[], None]


def mounted(path: Path) -> Iterator[Disk] | None:
    """A real small file system, where the tests may mount one."""
    path.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        return None
    if subprocess.run([mount, "-t", "tmpfs", "-o", f"size={CAPACITY}", "none", path], capture_output=True).returncode:
        return None
    return _real(path, mount)


def _real(path: Path, mount: str) -> Iterator[Disk]:
    try:
        yield Disk(
            path, lambda: subprocess.run([mount, "-o", f"remount,size={4 * CAPACITY}", path], check=True) and None
        )
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def pretended(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """The same answers from `pwrite`, where no file system may be mounted."""
    left = [CAPACITY]
    real_pwrite = os.pwrite

    def pwrite(fd: int, data: memoryview, offset: int) -> int:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = real_pwrite(fd, data[: left[0]], offset)
        left[0] -= count
        return count

    monkeypatch.setattr(os, "pwrite", pwrite)
    yield Disk(path, lambda: left.append(left.pop() + 4 * CAPACITY))


@pytest.fixture(params=["real", "pretended"])
def disk(request, tmp_path, monkeypatch):
    disks = mounted(tmp_path / "downloads") if request.param == "real" else None
    yield from disks or pretended(tmp_path / "downloads", monkeypatch)


SHARES = {
    "file": share_file(CONTENT),
    "folder": share_folder({f"d/{number}": some_bytes(3 * CHUNK, number) for number in range(8)}),
}


def write_in_batches(stored: StoredDownload, share: Share) -> None:
    for start in range(0, share.count, 4):
        stored.write([(index, share.chunk(index)) for index in range(start, start + 4)])


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_a_download_that_fills_the_disk_goes_on_when_there_is_room(disk, tmp_path, share):
    node = Node(tmp_path, share)
    stored = node.resumed()
    with pytest.raises(DiskFull, match="the disk is full") as caught:
        write_in_batches(stored, share)
    assert caught.value.is_full
    written = node.recorded.count
    assert 12 <= written <= 16
    assert all(stored.read(index, 0, CHUNK) == share.chunk(index) for index in node.recorded)
    with pytest.raises(DiskFull):  # and it still is
        stored.write(share.chunks(23))
    assert node.recorded == stored.have

    disk.enlarge()
    assert stored.write([(index, share.chunk(index)) for index in stored.have.missing()])[1] == []
    stored.finish(Watch())
    assert set(read_tree(node.destination).values()) == set(share.contents)


def test_a_download_killed_on_a_full_disk_resumes_with_all_it_had(disk, tmp_path):
    node = Node(tmp_path, SHARES["file"])
    stored = node.resumed()
    with pytest.raises(DiskFull):
        stored.write(node.share.chunks())
    before = node.recorded
    node.crash()
    stored = node.resumed()
    assert stored.have == before
    disk.enlarge()
    stored.write([(index, node.share.chunk(index)) for index in stored.have.missing()])
    stored.finish(Watch())
    assert read_tree(node.destination) == {"file.bin": CONTENT}


def test_a_full_quota_is_a_full_disk(tmp_path, monkeypatch):
    node = Node(tmp_path, SHARES["file"])
    stored = node.resumed()

    def refuse(*arguments):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(DiskFull, match="quota is used up"):
        stored.write(node.share.chunks(0))


def test_a_file_too_large_for_the_file_system_is_no_full_disk(tmp_path, monkeypatch):
    node = Node(tmp_path, SHARES["file"])

    def refuse(*arguments):
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(os, "ftruncate", refuse)
    with pytest.raises(StorageError, match="too large for the file system") as caught:
        node.resumed().write(node.share.chunks(0))
    assert not caught.value.is_full


def test_room_is_looked_at_before_a_download_begins(tmp_path):
    check_room(str(tmp_path / "not" / "made" / "yet"), 1000)
    with pytest.raises(DiskFull, match=r"MB free and 1,000,000,000\.0 MB are needed"):
        check_room(str(tmp_path), 10**15)


def test_free_space_is_what_the_file_system_says(disk):
    if os.path.ismount(disk.path):
        assert 0 < free_space(str(disk.path)) <= CAPACITY
    assert free_space(str(disk.path / "below")) == free_space(str(disk.path))


@pytest.mark.parametrize(
    "share",
    [share_file(b"just one chunk"), share_file(CONTENT), share_folder({"a": CONTENT, "d/b": b"x"})],
    ids=["one chunk", "many", "folder"],
)
def test_a_disk_that_is_full_only_after_the_rename_finishes_when_there_is_room(tmp_path, monkeypatch, share):
    """A file system that allocates late (btrfs, NFS, a quota) may say so not before the folder is synced."""
    node = Node(tmp_path, share)
    stored = node.resumed()
    stored.write(share.chunks())
    fsync, is_full = os.fsync, True

    def sync(fd: int) -> None:
        if is_full and os.path.lexists(stored.final_path):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", sync)
    for _ in range(2):
        with pytest.raises(DiskFull):
            stored.finish(Watch())
    assert stored.read(0, 0, 10) == share.chunk(0)[:10], "who asks meanwhile is served from its final place"
    is_full = False
    stored.finish(Watch())
    assert node.catalogue.get(share.cid).state is TransferState.SEEDING
