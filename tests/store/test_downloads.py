"""A download at rest: hash, disk, record, and what a restart believes of it."""

from __future__ import annotations

import os
import threading

import pytest

from node.status import TransferState
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, read_tree, share_file, share_folder, some_bytes

CONTENT = some_bytes(5 * CHUNK + 123)
FILES = {
    "a.bin": some_bytes(2 * CHUNK + 7, seed=1),
    "dir/b.txt": b"small",
    "dir/sub/c.bin": some_bytes(CHUNK, seed=2),
    "empty": b"",
    **{f"many/{number}": b"file %d" % number for number in range(20)},
}


@pytest.fixture
def file(tmp_path):
    return Node(tmp_path, share_file(CONTENT))


@pytest.fixture
def folder(tmp_path):
    return Node(tmp_path, share_folder(FILES, empty_dirs=("void", "dir/void")))


def test_a_file_arrives_in_any_order(file):
    stored = file.resumed()
    for index in (5, 0, 3, 1, 4, 2):
        assert stored.write(file.share.chunks(index)) == ([index], [])
        assert file.recorded[index]
    source = stored.finish(Watch())
    assert read_tree(file.destination) == {"file.bin": CONTENT}
    assert source.read(5, 100, 23) == CONTENT[-23:]


def test_a_folder_arrives_with_everything_that_is_empty(folder):
    stored = folder.resumed()
    good, bad = stored.write(folder.share.chunks())
    assert (len(good), bad) == (folder.share.count, [])
    source = stored.finish(Watch())
    assert read_tree(folder.destination / "folder") == FILES
    assert (folder.destination / "folder/void").is_dir()
    assert (folder.destination / "folder/dir/void").is_dir()
    assert source.read(folder.share.manifest.geometry.file_chunks(4)[0], 0, 6) == b"file 0"
    assert os.listdir(folder.destination) == ["folder"]


@pytest.mark.parametrize("share", [share_file(b""), share_folder({}), share_folder({"a": b"", "d/b": b""})])
def test_a_share_without_a_single_chunk_arrives(tmp_path, share):
    node = Node(tmp_path, share)
    stored = node.resumed()
    assert stored.have.is_complete
    stored.finish(Watch())
    assert (node.destination / share.manifest.name).exists()
    assert len(read_tree(node.destination)) == len(share.manifest.files)


def test_the_row_of_a_finished_download_seeds_from_its_place(file):
    stored = file.resumed()
    stored.write(file.share.chunks())
    stored.finish(Watch())
    item = file.catalogue.get(file.share.cid)
    assert item.state is TransferState.SEEDING
    assert item.path == str(file.destination / "file.bin")
    assert (item.chunks_have, item.bytes_have) == (6, len(CONTENT))


def test_a_name_chosen_by_the_person_is_the_final_one(tmp_path):
    node = Node(tmp_path, share_file(CONTENT), output_name="mine.bin")
    stored = node.resumed()
    stored.write(node.share.chunks())
    stored.finish(Watch())
    assert read_tree(node.destination) == {"mine.bin": CONTENT}


def test_hostile_names_arrive_inside_the_folder(tmp_path):
    files = {"C:\\windows\\x": b"1", "con": b"2", "CON": b"3", "a\u202eb/c": b"4", "trailing./x": b"5"}
    node = Node(tmp_path, share_folder(files, name="evil\n"))
    stored = node.resumed()
    stored.write(node.share.chunks())
    source = stored.finish(Watch())
    found = read_tree(node.destination)
    assert found == {
        "evil_/C:_windows_x": b"1", "evil_/_con (2)": b"2", "evil_/_CON": b"3", "evil_/a_b/c": b"4",
        "evil_/trailing_/x": b"5",
    }  # fmt: skip
    assert [source.read(index, 0, 1) for index in range(5)] == list(node.share.contents)


BAD = {"wrong": some_bytes(CHUNK, seed=8), "short": CONTENT[: CHUNK - 1], "long": CONTENT[: CHUNK + 1], "empty": b""}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_bad_chunk_reaches_neither_disk_nor_record(file, data):
    stored = file.resumed()
    assert stored.write([(0, data), (1, file.share.chunk(1))]) == ([1], [0])
    assert list(file.recorded) == [1]
    with open(stored.part_path, "rb") as part:
        assert part.read(CHUNK) == bytes(CHUNK)


def test_what_is_had_can_be_served_before_the_end(folder):
    stored = folder.resumed()
    stored.write(folder.share.chunks(1, 3))
    assert stored.read(1, 10, 100) == folder.share.chunk(1)[10:110]
    assert stored.read(3, 0, 5) == b"small"
    with pytest.raises(ValueError, match="not in chunk 3"):
        stored.read(3, 0, 6)


def test_partials_are_sparse_and_hidden(file):
    stored = file.resumed()
    stored.write(file.share.chunks(5))
    (part,) = os.listdir(file.destination)
    assert part.startswith(".file.bin.bafyrei")
    assert part.endswith(".part")
    assert os.stat(stored.part_path).st_size == len(CONTENT)
    assert os.stat(stored.part_path).st_blocks * 512 < 2 * CHUNK


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_after_a_kill_everything_on_record_is_there_and_nothing_is_hashed_again(kind, request):
    node = request.getfixturevalue(kind)
    node.resumed().write(node.share.chunks(0, 2, 3))
    node.crash()
    read: list[int] = []
    stored = node.resumed(Watch(progress=read.append))
    assert (list(stored.have), read) == ([0, 2, 3], [])
    stored.write([(index, node.share.chunk(index)) for index in stored.have.missing()])
    stored.finish(Watch())
    assert set(read_tree(node.destination).values()) == set(node.share.contents)


@pytest.mark.parametrize("damage", ["delete", "cut"])
def test_chunks_whose_file_somebody_took_away_are_missing_again(folder, damage):
    stored = folder.resumed()
    stored.write(folder.share.chunks())
    part = os.path.join(stored.part_path, "a.bin")
    os.unlink(part) if damage == "delete" else os.truncate(part, 10)
    folder.crash()
    stored = folder.resumed()
    assert list(stored.have.missing()) == [0, 1, 2]
    stored.write(folder.share.chunks(0, 1, 2))
    stored.finish(Watch())
    assert read_tree(folder.destination / "folder") == FILES


def test_a_partial_that_somebody_deleted_starts_again(file):
    stored = file.resumed()
    stored.write(file.share.chunks(0, 1))
    os.unlink(stored.part_path)
    file.crash()
    assert file.resumed().have.count == 0
    assert file.catalogue.get(file.share.cid).bytes_have == 0


def test_a_discarded_download_leaves_nothing(folder):
    stored = folder.resumed()
    stored.write(folder.share.chunks(0, 5))
    stored.discard()
    stored.discard()
    assert os.listdir(folder.destination) == []
    assert len(folder.descriptors) == 0


def test_discarding_a_download_whose_folder_is_gone_makes_nothing(folder):
    folder.open().discard()
    assert not folder.destination.exists()


def test_threads_may_write_at_once(folder):
    stored = folder.resumed()
    chunks = folder.share.chunks()

    def work(part: int) -> None:
        for index in range(part, len(chunks), 4):
            assert stored.write([chunks[index]]) == ([index], [])

    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored.have.is_complete
    assert folder.recorded.is_complete
    stored.finish(Watch())
    assert read_tree(folder.destination / "folder") == FILES


def test_what_a_given_up_download_left_is_taken_over_by_the_next_one(folder):
    stored = folder.resumed()
    stored.write(folder.share.chunks(0, 1, 4))
    stored.close()
    with open(folder.destination / os.path.basename(stored.part_path) / "dir/sub/c.bin", "r+b") as damaged:
        damaged.write(b"x")
    folder.catalogue.remove(folder.share.cid)
    folder.catalogue.add_download(folder.share.cid, str(folder.destination), 2.0)
    folder.catalogue.set_manifest(folder.share.cid, folder.share.manifest, folder.share.blocks)
    stored = folder.resumed()
    assert set(stored.have) == {0, 1} | ({4} - set(folder.share.manifest.geometry.file_chunks(2)))
    assert set(folder.recorded) == set(stored.have)
    stored.write(folder.share.chunks(*stored.have.missing()))
    stored.finish(Watch())
    assert read_tree(folder.destination / "folder") == FILES
