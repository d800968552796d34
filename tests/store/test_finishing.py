"""The end of a download: nothing is overwritten, nothing wrong gets a final name, and no link leads out."""

from __future__ import annotations

import os
import shutil

import pytest

from node.errors import IntegrityError, StorageError
from node.store import downloads, libc
from node.store.catalogue import Catalogue
from node.store.errors import Stopped
from node.store.identity import Identity, settle
from node.store.watch import Watch
from tests.store.library import Node
from tests.store.shares import CHUNK, read_tree, share_file, share_folder, some_bytes, write_tree

CONTENT = some_bytes(3 * CHUNK + 5)
FILES = {"a.bin": some_bytes(2 * CHUNK, seed=1), "dir/b.txt": b"small", "empty": b""}


@pytest.fixture(params=["file", "folder"])
def node(tmp_path, request):
    return Node(tmp_path, share_file(CONTENT) if request.param == "file" else share_folder(FILES))


def all_written(node: Node):
    stored = node.resumed()
    stored.write(node.share.chunks())
    return stored


def put_content(node: Node) -> None:
    if node.share.manifest.is_folder:
        write_tree(node.destination / "folder", FILES)
    else:
        write_tree(node.destination, {"file.bin": CONTENT})


def put_other(node: Node) -> None:
    place = node.destination / node.share.manifest.name
    write_tree(place, {"a.bin": b"mine"}) if node.share.manifest.is_folder else write_tree(
        node.destination, {place.name: b"mine"}
    )


def put_same_size(node: Node) -> None:
    put_content(node)
    path = node.destination / ("folder/a.bin" if node.share.manifest.is_folder else "file.bin")
    path.write_bytes(some_bytes(path.stat().st_size, seed=77))


def put_link(node: Node) -> None:
    put_content(node)
    place = node.destination / node.share.manifest.name
    shutil.move(place, node.root / "elsewhere")
    place.symlink_to(node.root / "elsewhere")


def put_dangling_link(node: Node) -> None:
    (node.destination / node.share.manifest.name).symlink_to(node.root / "nowhere")


def put_wrong_kind(node: Node) -> None:
    place = node.destination / node.share.manifest.name
    place.touch() if node.share.manifest.is_folder else place.mkdir()


OTHERS = [put_other, put_same_size, put_link, put_dangling_link, put_wrong_kind]


@pytest.mark.parametrize("put", OTHERS)
def test_something_else_in_the_place_is_never_overwritten(node, put):
    stored = all_written(node)
    put(node)
    before = read_tree(node.destination / node.share.manifest.name)
    with pytest.raises(StorageError, match=r"exists and has other content.*-o"):
        stored.finish(Watch())
    assert read_tree(node.destination / node.share.manifest.name) == before
    shutil.move(node.destination / node.share.manifest.name, node.root / "moved away")
    stored.finish(Watch())
    assert set(read_tree(node.destination).values()) == set(node.share.contents)


@pytest.mark.parametrize("put", OTHERS)
def test_something_else_in_the_place_is_told_before_anything_is_fetched(node, put):
    node.destination.mkdir()
    put(node)
    with pytest.raises(StorageError, match="exists and has other content"):
        node.resumed()


def test_the_same_content_in_the_place_is_adopted_without_fetching(node):
    put_content(node)
    stored = node.resumed()
    assert stored.have.is_complete
    source = stored.finish(Watch())
    assert source.read(0, 0, 10) == node.share.chunk(0)[:10]
    assert node.catalogue.get(node.share.cid).is_complete


def test_the_same_content_that_appears_meanwhile_is_adopted_and_the_partial_goes(node):
    stored = all_written(node)
    put_content(node)
    stored.finish(Watch())
    assert os.listdir(node.destination) == [node.share.manifest.name]


@pytest.mark.parametrize("put", [None, put_content])
@pytest.mark.parametrize("step", [(downloads, "move_into_place"), (Catalogue, "complete_download")])
def test_what_is_finished_is_read_on_all_the_while(node, monkeypatch, put, step):
    place, name = step
    act = getattr(place, name)

    def read_all() -> None:
        for index, data in node.share.chunks():
            assert stored.read(index, 0, len(data)) == bytes(data)

    def act_and_read_all(*arguments, **more):
        done = act(*arguments, **more)
        read_all()
        return done

    stored = all_written(node)
    if put:
        put(node)
    monkeypatch.setattr(place, name, act_and_read_all)
    source = stored.finish(Watch())
    read_all()
    for index, data in node.share.chunks():
        assert source.read(index, 0, len(data)) == bytes(data)


def test_what_was_in_its_place_already_is_read_at_once(node):
    put_content(node)
    stored = node.resumed()
    for index, data in node.share.chunks():
        assert stored.read(index, 0, len(data)) == bytes(data)


def test_a_kill_between_rename_and_record_costs_nothing(node, monkeypatch):
    stored = all_written(node)

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(node.catalogue, "complete_download", killed)
    with pytest.raises(KeyboardInterrupt):
        stored.finish(Watch())
    node.crash()
    stored = node.resumed()
    assert stored.have.is_complete
    stored.finish(Watch())
    assert node.catalogue.get(node.share.cid).is_complete


def test_bit_rot_in_a_long_file_is_found_before_the_rename(node):
    stored = all_written(node)
    rotten = stored.part_path if not node.share.manifest.is_folder else os.path.join(stored.part_path, "a.bin")
    settle(Identity.of(os.stat(rotten)))  # old kernels can't tell two writes of one moment
    with open(rotten, "r+b") as part:
        part.seek(CHUNK + 3)
        part.write(b"rot")
    with pytest.raises(IntegrityError, match="1 chunks went bad on disk"):
        stored.finish(Watch())
    assert list(stored.have.missing()) == [1]
    stored.write(node.share.chunks(1))
    stored.finish(Watch())
    assert set(read_tree(node.destination).values()) == set(node.share.contents)


def test_a_manifest_that_contradicts_itself_never_finishes(tmp_path):
    share = share_file(CONTENT)
    lie = share.manifest.files[0]
    object.__setattr__(lie, "sha256", bytes(32))
    node = Node(tmp_path, share)
    stored = all_written(node)
    with pytest.raises(IntegrityError, match="its maker made it wrong"):
        stored.finish(Watch())
    assert not (node.destination / "file.bin").exists()


def test_a_file_taken_away_before_the_end_is_told(node):
    stored = all_written(node)
    path = stored.part_path if not node.share.manifest.is_folder else os.path.join(stored.part_path, "dir/b.txt")
    os.unlink(path)
    with pytest.raises(StorageError):
        stored.finish(Watch())
    assert not (node.destination / node.share.manifest.name).exists()


def test_a_stopped_finish_can_be_repeated(node):
    stored = all_written(node)
    with pytest.raises(Stopped):
        stored.finish(Watch(cancelled=lambda: True))
    stored.finish(Watch())
    assert node.catalogue.get(node.share.cid).is_complete


def test_the_watch_hears_of_long_files_only(tmp_path):
    node = Node(tmp_path, share_folder(FILES))
    stored = all_written(node)
    heard: list[int] = []
    stored.finish(Watch(progress=heard.append))
    assert heard[-1] == 2 * CHUNK


def test_a_link_in_place_of_the_partial_is_not_followed(node):
    stored = node.resumed()
    victim = node.root / "victim"
    victim.mkdir() if node.share.manifest.is_folder else victim.write_bytes(b"precious")
    os.symlink(victim, stored.part_path)
    with pytest.raises(StorageError):
        stored.write(node.share.chunks(0))
    assert read_tree(node.root / "victim") == {}
    if victim.is_file():
        assert victim.read_bytes() == b"precious"


def test_a_link_inside_the_partial_folder_is_not_followed(tmp_path):
    node = Node(tmp_path, share_folder(FILES))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.txt").write_bytes(b"precious")
    stored = node.resumed()
    stored.write(node.share.chunks(0))
    os.symlink(outside, os.path.join(stored.part_path, "dir"))
    with pytest.raises(StorageError, match="in the way"):
        stored.write(node.share.chunks(2))
    os.unlink(os.path.join(stored.part_path, "dir"))
    os.mkdir(os.path.join(stored.part_path, "dir"))
    os.symlink(outside / "b.txt", os.path.join(stored.part_path, "dir/b.txt"))
    with pytest.raises(StorageError, match="a symbolic link is in the way"):
        stored.write(node.share.chunks(2))
    stored.discard()
    assert read_tree(outside) == {"b.txt": b"precious"}


def test_a_file_in_place_of_the_download_folder_is_told(tmp_path):
    (tmp_path / "downloads").write_bytes(b"a file")
    node = Node(tmp_path, share_file(CONTENT))
    with pytest.raises(StorageError, match="downloads: something of that name is already there"):
        node.resumed()


def test_a_folder_nobody_may_write_to_is_told(tmp_path):
    node = Node(tmp_path, share_file(CONTENT))
    item = node.share.cid
    node.catalogue.remove(item)
    node.catalogue.add_download(item, "/proc/shoal", 1.0)  # not even root may make a folder there
    node.catalogue.set_manifest(item, node.share.manifest, node.share.blocks)
    with pytest.raises(StorageError, match="can't make the folder /proc/shoal"):
        node.resumed()


def test_a_file_system_gone_read_only_is_told_and_nothing_is_recorded(node, monkeypatch):
    stored = node.resumed()

    def read_only(*arguments):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", read_only)
        with pytest.raises(StorageError, match="the file system is read-only"):
            stored.write(node.share.chunks(0))
    assert node.recorded.count == 0
    assert stored.write(node.share.chunks(0)) == ([0], [])


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("way", ["renameat2", "without it"])
def test_a_rename_never_replaces(tmp_path, monkeypatch, kind, way):
    if way == "without it":
        monkeypatch.setattr(libc, "_libc", object())
    for name in ("old", "taken"):
        (tmp_path / name).mkdir() if kind == "folder" else (tmp_path / name).write_text(name)
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(FileExistsError):
        libc.rename_new(fd, "old", "taken")
    libc.rename_new(fd, "old", "new")
    os.close(fd)
    assert sorted(os.listdir(tmp_path)) == ["new", "taken"]
    if kind == "file":
        assert [(tmp_path / name).read_text() for name in ("new", "taken")] == ["old", "taken"]
