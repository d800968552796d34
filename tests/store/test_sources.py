"""Shares are served in place, and only as long as they are what was shared."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from node.errors import StorageError
from node.store.descriptors import Descriptors
from node.store.errors import SourceChanged
from node.store.identity import TIMESTAMP_STEP_NS
from node.store.importing import import_scan
from node.store.scanning import scan
from node.store.sources import Source, file_paths
from node.store.watch import Watch
from tests.store.shares import CHUNK, share_file, some_bytes, write_tree

FILES = {"a.bin": some_bytes(2 * CHUNK + 100), "sub/b.txt": b"hello", "z.bin": some_bytes(CHUNK, seed=3)}


def opened(path: Path, descriptors: Descriptors) -> Source:
    found = import_scan(scan(str(path)), Watch(), CHUNK)
    paths = file_paths(found.path, found.manifest, is_import=True)
    return Source(paths, found.manifest, found.identities, descriptors)


@pytest.fixture
def folder(tmp_path):
    write_tree(tmp_path / "stuff", FILES)
    time.sleep(TIMESTAMP_STEP_NS / 1e9)
    return tmp_path / "stuff"


@pytest.fixture
def source(folder, descriptors):
    return opened(folder, descriptors)


def test_any_range_of_any_chunk_is_read(source):
    content = FILES["a.bin"]
    assert source.read(0, 0, CHUNK) == content[:CHUNK]
    assert source.read(1, 17, 1000) == content[CHUNK + 17 : CHUNK + 1017]
    assert source.read(2, 0, 100) == content[2 * CHUNK :]
    assert source.read(3, 1, 3) == b"ell"
    assert source.read(4, CHUNK, 0) == b""


@pytest.mark.parametrize(("offset", "length"), [(0, CHUNK + 1), (-1, 1), (CHUNK, 1), (0, -1)])
def test_nothing_beyond_a_chunk_is_read(source, offset, length):
    with pytest.raises(ValueError, match="not in chunk 0"):
        source.read(0, offset, length)


def test_a_single_file_is_read(tmp_path, descriptors):
    (tmp_path / "one").write_bytes(FILES["a.bin"])
    assert opened(tmp_path / "one", descriptors).read(0, 5, 10) == FILES["a.bin"][5:15]


def rewrite(path: Path) -> None:
    """Other content of the same size, the old mtime put back: only ctime tells."""
    before = path.stat()
    path.write_bytes(some_bytes(before.st_size, seed=9))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(some_bytes(path.stat().st_size, seed=9))
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def link_out(path: Path) -> None:
    outside = path.parents[1] / "outside"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


CHANGES = {
    "rewritten with its mtime put back": rewrite,
    "replaced": replace,
    "gone": Path.unlink,
    "cut off": lambda path: os.truncate(path, 10),
    "grown": lambda path: path.write_bytes(path.read_bytes() + b"more"),
    "touched": Path.touch,
    "a link now": link_out,
    "a pipe now": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_not_a_byte_of_a_changed_file_is_served(folder, source, change, is_open):
    if is_open:
        source.read(0, 0, 10)
    change(folder / "a.bin")
    for _ in range(2):
        with pytest.raises(StorageError):
            source.read(0, 0, 10)
    assert source.read(3, 0, 5) == b"hello"


def test_a_file_that_changes_during_the_read_is_not_served(folder, source, monkeypatch):
    source.read(0, 0, 10)
    real_pread = os.pread

    def pread(fd: int, length: int, offset: int) -> bytes:
        data = real_pread(fd, length, offset)
        rewrite(folder / "a.bin")
        return data

    monkeypatch.setattr(os, "pread", pread)
    with pytest.raises(SourceChanged, match=r"changed since it was shared.*a\.bin"):
        source.read(0, 0, 10)


def test_a_link_in_place_of_a_folder_leads_nowhere(folder, source, tmp_path):
    shutil.copytree(folder / "sub", tmp_path / "copy")
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to(tmp_path / "copy")
    with pytest.raises(SourceChanged):
        source.read(3, 0, 5)


def test_a_file_that_was_moved_away_and_back_is_served_again_once_it_is_the_same(folder, source, tmp_path):
    parked = tmp_path / "parked"
    folder.rename(parked)
    with pytest.raises(SourceChanged, match="is not where it was"):
        source.read(0, 0, 10)
    parked.rename(folder)
    assert source.read(0, 0, 10) == FILES["a.bin"][:10]


def test_a_file_that_can_not_be_read_is_an_error_but_no_change(source, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match="the disk reports an I/O error") as caught:
        source.read(0, 0, 1)
    assert not isinstance(caught.value, SourceChanged)


def test_many_threads_read_at_once(source):
    content, wrong = FILES["a.bin"], []

    def read(seed: int) -> None:
        for step in range(100):
            index, offset = step % 2, (seed * 31 + step) % 1000
            if source.read(index, offset, 500) != content[index * CHUNK + offset : index * CHUNK + offset + 500]:
                wrong.append(step)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_closed_source_holds_no_file_and_opens_again(source, descriptors):
    source.read(0, 0, 1)
    source.close()
    assert len(descriptors) == 0
    assert source.read(3, 0, 5) == b"hello"


def test_a_finished_download_has_the_names_made_safe_and_an_import_its_own():
    share = share_file(b"x", "con")
    assert file_paths("/d/_con", share.manifest, is_import=False) == ["/d/_con"]
