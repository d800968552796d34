"""A check of everything that is here finds every bad chunk, and makes good ones trusted again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from node.errors import NotFoundError, StorageError
from node.store.errors import SourceChanged, Stopped
from node.store.importing import import_scan
from node.store.scanning import scan
from node.store.sources import source_of
from node.store.verifying import bad_chunks, verify
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, share_file, share_folder, some_bytes, write_tree

FILES = {"a.bin": some_bytes(3 * CHUNK + 1), "b.txt": b"small", "c/d.bin": some_bytes(CHUNK, 2), "e": b""}


@pytest.fixture
def shared(tmp_path, catalogue):
    """A folder in place, and the function that verifies it."""
    write_tree(tmp_path / "stuff", FILES)
    found = import_scan(scan(str(tmp_path / "stuff")), Watch(), CHUNK)
    catalogue.add_share(found.cid, found.manifest, found.blocks, found.path, found.identities, 1.0)
    return tmp_path / "stuff", found.cid


def checked(catalogue, descriptors, cid, watch: Watch | None = None):
    return verify(catalogue, catalogue.get(cid), descriptors, watch or Watch())


def damage(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"damage")


def test_a_sound_share_is_sound_and_every_byte_was_read(catalogue, descriptors, shared):
    heard: list[int] = []
    found = checked(catalogue, descriptors, shared[1], Watch(progress=heard.append))
    assert (found.bad, found.checked) == ((), 6)
    assert heard[-1] == sum(map(len, FILES.values()))


@pytest.mark.parametrize(
    ("spoil", "bad"),
    [
        (lambda root: damage(root / "a.bin", CHUNK + 5), (1,)),
        (lambda root: (damage(root / "a.bin", 3 * CHUNK), damage(root / "b.txt", 0)), (0, 1, 2, 3, 4)),
        (lambda root: os.truncate(root / "a.bin", 2 * CHUNK), (0, 1, 2, 3)),
        (lambda root: (root / "c/d.bin").unlink(), (5,)),
        (lambda root: (root / "c").rename(root / "other"), (5,)),
        (lambda root: (root / "b.txt").write_bytes(b"smaller"), (4,)),
    ],
    ids=["one chunk", "a grown file", "cut", "deleted", "folder moved", "other size"],
)
def test_each_bad_chunk_is_found_and_the_share_stays_untrusted(catalogue, descriptors, shared, spoil, bad):
    root, cid = shared
    before = catalogue.identities(cid)
    spoil(root)
    assert checked(catalogue, descriptors, cid).bad == bad
    assert catalogue.identities(cid) == before


def test_a_touched_share_is_served_again_after_it_was_verified(catalogue, descriptors, shared):
    root, cid = shared
    manifest = catalogue.manifest(cid)
    (root / "a.bin").chmod(0o600)
    with pytest.raises(SourceChanged):
        source_of(catalogue.get(cid), manifest, catalogue.identities(cid), descriptors).read(0, 0, 1)
    assert checked(catalogue, descriptors, cid).bad == ()
    assert source_of(catalogue.get(cid), manifest, catalogue.identities(cid), descriptors).read(0, 0, 1)


def test_a_missing_empty_file_is_nothing_that_anybody_could_miss(catalogue, descriptors, shared):
    root, cid = shared
    (root / "e").unlink()
    (root / "a.bin").chmod(0o600)
    assert checked(catalogue, descriptors, cid).bad == ()
    source = source_of(catalogue.get(cid), catalogue.manifest(cid), catalogue.identities(cid), descriptors)
    assert source.read(0, 0, CHUNK) == FILES["a.bin"][:CHUNK]


def test_a_share_written_to_meanwhile_is_told(catalogue, descriptors, shared):
    root, cid = shared
    with pytest.raises(SourceChanged, match="while it was being verified"):
        checked(catalogue, descriptors, cid, Watch(progress=lambda done: (root / "b.txt").touch()))


def test_a_share_that_can_not_be_read_is_an_error_not_a_bad_chunk(catalogue, descriptors, shared, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "pread", refuse)
    with pytest.raises(StorageError, match="permission denied"):
        checked(catalogue, descriptors, shared[1])


def test_verifying_can_be_stopped(catalogue, descriptors, shared):
    with pytest.raises(Stopped):
        checked(catalogue, descriptors, shared[1], Watch(cancelled=lambda: True))


@pytest.mark.parametrize("share", [share_file(some_bytes(4 * CHUNK)), share_folder(FILES)], ids=["file", "folder"])
def test_bad_chunks_of_a_download_are_missing_again(tmp_path, share):
    node = Node(tmp_path, share)
    stored = node.resumed()
    stored.write(share.chunks(0, 1, 3))
    part = Path(stored.part_path)
    damage(part / "a.bin" if share.manifest.is_folder else part, CHUNK)
    found = verify(node.catalogue, node.catalogue.get(share.cid), node.descriptors, Watch())
    assert (found.bad, found.checked) == ((1,), 3)
    assert list(node.recorded) == [0, 3]


def test_a_download_without_its_manifest_has_nothing_to_verify(tmp_path, catalogue, descriptors):
    share = share_file(b"x")
    item = catalogue.add_download(share.cid, str(tmp_path), 1.0, name="film")
    with pytest.raises(NotFoundError, match="nothing of film is here yet"):
        verify(catalogue, item, descriptors, Watch())


def test_many_chunks_are_checked_in_order_with_few_in_memory():
    share = share_file(some_bytes(200 * CHUNK))
    held, most = set(), 0

    def read(index: int) -> bytes:
        nonlocal most
        held.add(index)
        most = max(most, len(held))
        return b"" if index % 50 == 7 else share.chunk(index)

    def taken(done: int) -> None:
        held.discard(done // CHUNK - 1)

    assert bad_chunks(read, share.manifest, range(200), Watch(progress=taken)) == [7, 57, 107, 157]
    assert most <= 16
