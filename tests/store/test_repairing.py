"""Damaged downloads made whole again: only what is bad is fetched, and nothing is lost before that is here."""

from __future__ import annotations

import os

import pytest

from node.errors import StorageError
from node.services.storage import reopen
from node.status import TransferState
from node.store.downloads import StoredDownload
from node.store.verifying import verify
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, read_tree, share_file, share_folder, some_bytes

CONTENT = some_bytes(5 * CHUNK + 123)
FILES = {
    "a.bin": some_bytes(3 * CHUNK, seed=1),
    "dir/b.txt": b"small",
    "empty": b"",
    "c.bin": some_bytes(CHUNK, seed=2),
}


def complete(node: Node) -> Node:
    stored = node.resumed()
    stored.write(node.share.chunks())
    stored.finish(Watch())
    return node


@pytest.fixture
def file(tmp_path):
    return complete(Node(tmp_path, share_file(CONTENT)))


@pytest.fixture
def folder(tmp_path):
    return complete(Node(tmp_path, share_folder(FILES, empty_dirs=("void",))))


def begin(node: Node) -> StoredDownload:
    reopen(node.catalogue, node.catalogue.get(node.share.cid), node.descriptors)
    return node.resumed()


def flip(path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_what_is_known_of_the_chunks_is_true_after_verifying(file):
    flip(file.destination / "file.bin", 2 * CHUNK)
    item = file.catalogue.get(file.share.cid)
    assert verify(file.catalogue, item, file.descriptors, Watch()).bad == (2,)
    found = file.catalogue.get(file.share.cid)
    assert (found.chunks_have, found.bytes_have) == (5, len(CONTENT) - CHUNK)
    assert [index for index in range(6) if not file.recorded[index]] == [2]
    flip(file.destination / "file.bin", 2 * CHUNK)
    verify(file.catalogue, item, file.descriptors, Watch())
    found = file.catalogue.get(file.share.cid)
    assert (found.chunks_have, found.bytes_have) == (6, len(CONTENT))


def test_only_the_bad_chunk_of_a_file_is_fetched_and_the_file_stays_until_then(file):
    path = file.destination / "file.bin"
    flip(path, 2 * CHUNK)
    damaged = path.read_bytes()
    stored = begin(file)
    assert list(stored.have.missing()) == [2]
    assert file.catalogue.get(file.share.cid).chunks_have == 5
    assert path.read_bytes() == damaged
    stored.write(file.share.chunks(2))
    assert path.read_bytes() == damaged
    source = stored.finish(Watch())
    assert read_tree(file.destination) == {"file.bin": CONTENT}
    assert source.read(2, 0, CHUNK) == file.share.chunk(2)
    assert file.catalogue.get(file.share.cid).state is TransferState.SEEDING


def test_a_folder_with_a_damaged_a_cut_and_a_lost_file_is_whole_again_and_the_rest_untouched(folder):
    root = folder.destination / "folder"
    flip(root / "a.bin", CHUNK)
    (root / "dir/b.txt").unlink()
    (root / "empty").write_bytes(b"grown")
    (root / "my own notes").write_bytes(b"mine")
    untouched = (root / "c.bin").stat().st_ino
    stored = begin(folder)
    missing = list(stored.have.missing())
    assert [folder.share.manifest.geometry.chunk(index).file_index for index in missing] == [0, 2]
    stored.write(folder.share.chunks(*missing))
    stored.finish(Watch())
    assert read_tree(root) == {**FILES, "my own notes": b"mine"}
    assert (root / "c.bin").stat().st_ino == untouched
    assert os.listdir(folder.destination) == ["folder"]


def test_what_somebody_changed_since_the_repair_began_is_not_replaced(folder):
    root = folder.destination / "folder"
    flip(root / "a.bin", CHUNK)
    stored = begin(folder)
    (root / "c.bin").write_bytes(b"a person's own")
    before = read_tree(root)
    stored.write(folder.share.chunks(*stored.have.missing()))
    with pytest.raises(StorageError, match=r"changed since the repair began.*c\.bin"):
        stored.finish(Watch())
    assert read_tree(root) == before


def test_a_repair_goes_on_after_kill_9_at_any_step(folder, monkeypatch):
    root = folder.destination / "folder"
    flip(root / "a.bin", CHUNK)
    flip(root / "c.bin", 0)
    stored = begin(folder)
    missing = list(stored.have.missing())
    folder.crash()
    stored = folder.resumed()
    assert list(stored.have.missing()) == missing
    stored.write(folder.share.chunks(*missing))
    replaced = []

    class Killed(Exception):
        pass

    real = os.rename

    def rename(*arguments, **keywords):
        if replaced:
            raise Killed
        replaced.append(real(*arguments, **keywords))

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", rename)
        with pytest.raises(Killed):
            stored.finish(Watch())
    folder.crash()
    stored = folder.resumed()
    assert list(stored.have.missing()) == [], "what is in its place already is taken from there"
    stored.finish(Watch())
    assert read_tree(root) == FILES


def test_what_was_repaired_by_hand_meanwhile_is_taken_as_it_is(file):
    flip(file.destination / "file.bin", 2 * CHUNK)
    reopen(file.catalogue, file.catalogue.get(file.share.cid), file.descriptors)
    flip(file.destination / "file.bin", 2 * CHUNK)
    stored = file.resumed()
    assert stored.have.is_complete
    stored.finish(Watch())
    assert read_tree(file.destination) == {"file.bin": CONTENT}
