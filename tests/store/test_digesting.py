"""One read gives the digests of the whole file and of each chunk, or an error, never wrong ones."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.errors import StorageError
from node.store import digesting
from node.store.digesting import Digester, SourceFile
from node.store.errors import SourceChanged, Stopped
from node.store.identity import TIMESTAMP_STEP_NS, Identity
from node.store.watch import Watch
from tests.store.shares import CHUNK, some_bytes

GROUP = digesting.GROUP_BYTES
INTERESTING_SIZES = [
    0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK - 7,
    GROUP - 1, GROUP, GROUP + 1, 3 * GROUP + CHUNK + 5,
]  # fmt: skip


def source(path: Path) -> SourceFile:
    return SourceFile(str(path), Identity.of(path.stat()))


def written(folder: Path, contents: list[bytes]) -> list[SourceFile]:
    for number, content in enumerate(contents):
        (folder / str(number)).write_bytes(content)
    return [source(folder / str(number)) for number in range(len(contents))]


def expected(content: bytes, chunk_size: int = CHUNK) -> tuple[bytes, bytes]:
    chunks = [content[start : start + chunk_size] for start in range(0, len(content), chunk_size)]
    return hashlib.sha256(content).digest(), b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)


def digests(files: list[SourceFile], watch: Watch | None = None, chunk_size: int = CHUNK) -> list[tuple[bytes, bytes]]:
    with Digester(chunk_size, watch or Watch()) as digester:
        return [(found.sha256, found.chunks) for found in digester.digest(files)]


@pytest.mark.parametrize("size", INTERESTING_SIZES)
def test_digests_are_hashlibs(tmp_path, size):
    content = some_bytes(size)
    assert digests(written(tmp_path, [content])) == [expected(content)]


def test_chunks_larger_than_a_group_work_too(tmp_path):
    content = some_bytes(2 * GROUP + 5)
    assert digests(written(tmp_path, [content]), chunk_size=2 * GROUP) == [expected(content, 2 * GROUP)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(INTERESTING_SIZES[:7]), max_size=12))
def test_files_of_all_sizes_come_out_in_their_order(tmp_path, sizes):
    contents = [some_bytes(size, seed) for seed, size in enumerate(sizes)]
    assert digests(written(tmp_path, contents)) == [expected(content) for content in contents]


def test_the_watch_hears_of_every_byte_and_never_backwards(tmp_path):
    heard: list[int] = []
    contents = [some_bytes(size) for size in INTERESTING_SIZES]
    digests(written(tmp_path, contents), Watch(progress=heard.append))
    assert heard == sorted(heard)
    assert heard[-1] == sum(INTERESTING_SIZES)


@pytest.mark.parametrize("size", [10, 3 * GROUP])
def test_a_watcher_who_has_had_enough_stops_it(tmp_path, size):
    files = written(tmp_path, [some_bytes(size)] * 3)
    with pytest.raises(Stopped):
        digests(files, Watch(cancelled=lambda: True))


@pytest.mark.parametrize("size", [100, 2 * GROUP])
@pytest.mark.parametrize("change", ["grow", "shrink", "rewrite", "touch", "replace"])
def test_a_file_that_changed_since_it_was_found_is_refused(tmp_path, size, change):
    path = tmp_path / "0"
    (file,) = written(tmp_path, [some_bytes(size)])
    time.sleep(TIMESTAMP_STEP_NS / 1e9)
    match change:
        case "grow":
            path.write_bytes(some_bytes(size + 1))
        case "shrink":
            os.truncate(path, size - 1)
        case "rewrite":
            path.write_bytes(some_bytes(size, seed=2))
            os.utime(path, ns=(file.identity.mtime_ns, file.identity.mtime_ns))
        case "touch":
            path.touch()
        case "replace":
            (tmp_path / "new").write_bytes(some_bytes(size))
            (tmp_path / "new").replace(path)
    with pytest.raises(SourceChanged, match=r"0 changed while it was being read"):
        digests([file])


def test_a_file_written_to_while_it_is_read_is_refused(tmp_path):
    (file,) = written(tmp_path, [some_bytes(3 * GROUP)])
    has_written = []

    def write_once(done: int) -> None:
        if not has_written:
            has_written.append(done)
            with open(file.path, "r+b") as other:
                other.seek(5)
                other.write(b"other")

    with pytest.raises(SourceChanged):
        digests([file], Watch(progress=write_once))


def test_a_write_right_after_the_scan_is_seen_although_clocks_are_coarse(tmp_path):
    # Scan and write fall into one tick of the kernel's clock: without waiting the ctimes would be the same.
    for attempt in range(5):
        path = tmp_path / str(attempt)
        path.write_bytes(b"old")
        file = source(path)
        (found,) = digests([file])
        path.write_bytes(b"new")
        assert Identity.of(path.stat()) != file.identity
        assert found == expected(b"old")


def test_a_file_that_vanished_or_became_something_else_is_named(tmp_path):
    (file,) = written(tmp_path, [b"here"])
    os.unlink(file.path)
    with pytest.raises(StorageError, match=r"can't read .*/0: it is not there"):
        digests([file])
    os.symlink("/etc/passwd", file.path)
    with pytest.raises(StorageError, match="a symbolic link is in the way"):
        digests([file])
    os.unlink(file.path)
    os.mkfifo(file.path)
    with pytest.raises(StorageError, match="it is not a regular file"):
        digests([file])
