"""What a path shares: everything in it, nothing outside it, and the same CID wherever it lies."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from node.errors import NotFoundError, StorageError, UsageError
from node.store import scanning
from node.store.catalogue import Catalogue
from node.store.errors import SourceChanged
from node.store.importing import Imported, import_scan
from node.store.part_names import part_name
from node.store.scanning import Scan, scan
from node.store.watch import Watch
from protocols.manifest import attach_pages, decode
from tests.store.shares import CHUNK, share_file, share_folder, some_bytes, write_tree
from tests.timing import attempts

FILES = {
    "a.txt": b"hello",
    "empty": b"",
    "b/c.bin": some_bytes(3 * CHUNK + 9),
    "b/d/e.bin": some_bytes(CHUNK),
    ".hidden/.file": b"also",
    "ünïcödé 日本.txt": b"x",
}


def imported(path: Path | str, **options) -> Imported:
    return import_scan(scan(str(path), **options), Watch(), chunk_size=CHUNK)


def test_a_file_becomes_the_manifest_made_by_hand(tmp_path):
    content = some_bytes(2 * CHUNK + 1)
    (tmp_path / "film.mkv").write_bytes(content)
    found = imported(tmp_path / "film.mkv")
    by_hand = share_file(content, "film.mkv")
    assert (found.cid, found.manifest, found.blocks) == (by_hand.cid, by_hand.manifest, by_hand.blocks)
    assert found.path == str(tmp_path / "film.mkv")


def test_a_folder_becomes_the_manifest_made_by_hand(tmp_path):
    write_tree(tmp_path / "stuff", FILES)
    (tmp_path / "stuff/void/deeper").mkdir(parents=True)
    found = imported(tmp_path / "stuff")
    by_hand = share_folder(FILES, "stuff", empty_dirs=("void/deeper",))
    assert (found.cid, found.manifest, found.blocks) == (by_hand.cid, by_hand.manifest, by_hand.blocks)
    assert len(found.identities) == len(FILES)


def test_the_cid_does_not_depend_on_place_time_or_the_way_the_path_is_typed(tmp_path, monkeypatch):
    for place in ("one", "two/deeper"):
        write_tree(tmp_path / place / "stuff", FILES)
    os.utime(tmp_path / "one/stuff/a.txt", (0, 0))
    first = imported(tmp_path / "one/stuff")
    assert imported(tmp_path / "two/deeper/stuff").cid == first.cid
    assert imported(str(tmp_path / "one/stuff") + "/").cid == first.cid
    monkeypatch.chdir(tmp_path / "one/stuff")
    assert imported(".").cid == first.cid


@pytest.mark.parametrize("is_folder", [True, False])
def test_nothing_at_all_can_be_shared(tmp_path, is_folder):
    path = tmp_path / "nothing"
    path.mkdir() if is_folder else path.touch()
    found = imported(path)
    assert found.manifest.geometry.chunk_count == 0
    assert decode(found.blocks[0]) == found.manifest


def test_a_large_share_has_its_digests_in_pages(tmp_path, monkeypatch):
    monkeypatch.setattr("protocols.manifest.INLINE_DIGESTS", 4)
    monkeypatch.setattr("protocols.manifest.PAGE_DIGESTS", 8)
    content = some_bytes(19 * CHUNK)
    (tmp_path / "large").write_bytes(content)
    found = imported(tmp_path / "large")
    assert len(found.blocks) == 1 + 3
    whole = attach_pages(decode(found.blocks[0]), found.blocks[1:])
    assert whole.digest(18) == hashlib.sha256(content[18 * CHUNK :]).digest()


def test_links_sockets_and_pipes_are_left_out_and_reported(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"not shared")
    root = tmp_path / "stuff"
    write_tree(root, {"a.txt": b"hello", "sub/b.txt": b"b"})
    (root / "link").symlink_to(secret)
    (root / "dangling").symlink_to(root / "no")
    (root / "sub/loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    server = socket.socket(socket.AF_UNIX)
    os.chdir(root)  # a socket's path is short
    server.bind("sock")
    server.close()
    found = scan(str(root))
    assert [file.path for file in found.files] == [("a.txt",), ("sub", "b.txt")]
    assert {entry.path: entry.reason for entry in found.skipped} == {
        "link": "a symbolic link",
        "dangling": "a symbolic link",
        "sub/loop": "a symbolic link",
        "pipe": "a pipe",
        "sock": "a socket",
    }
    assert found.skipped_count == 5


def test_a_link_that_a_person_names_is_followed_and_gives_the_name(tmp_path):
    write_tree(tmp_path / "real", {"a.txt": b"hello"})
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    found = imported(tmp_path / "alias")
    assert found.manifest.name == "alias"
    assert found.path == str(tmp_path / "real")


def test_a_folder_whose_entries_are_all_left_out_is_empty(tmp_path):
    (tmp_path / "stuff/sub").mkdir(parents=True)
    (tmp_path / "stuff/sub/link").symlink_to("/etc")
    assert scan(str(tmp_path / "stuff")).empty_dirs == [("sub",)]


def test_only_the_first_left_out_entries_are_named(tmp_path):
    (tmp_path / "stuff").mkdir()
    for number in range(150):
        (tmp_path / f"stuff/{number}").symlink_to("/")
    found = scan(str(tmp_path / "stuff"))
    assert (len(found.skipped), found.skipped_count) == (scanning.SKIPPED_SHOWN, 150)


def test_unfinished_downloads_and_the_private_key_are_not_shared(tmp_path):
    share = share_file(b"x")
    write_tree(tmp_path / "home", {"a.txt": b"a", ".shoal/identity.key": b"private"})
    write_tree(tmp_path / "home", {part_name("film.mkv", share.cid): b"half"})
    found = scan(str(tmp_path / "home"), own_folder=str(tmp_path / "home/.shoal"))
    assert [file.path for file in found.files] == [("a.txt",)]
    assert sorted(entry.reason for entry in found.skipped) == ["an unfinished download", "shoal's own data folder"]


def test_a_path_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="there is no file or folder /"):
        scan(str(tmp_path / "nowhere"))
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(NotFoundError):
        scan(str(tmp_path / "dangling"))


def test_what_is_neither_file_nor_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="is a pipe; only files and folders"):
        scan(str(tmp_path / "pipe"))
    with pytest.raises(StorageError, match="the root folder has no name"):
        scan("/")


def test_a_name_that_is_not_utf8_is_refused_by_its_bytes(tmp_path):
    (tmp_path / "stuff").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "stuff") + b"/bad\xff")).touch()
    with pytest.raises(UsageError, match=r"bad\\udcff' is not valid UTF-8; rename it"):
        scan(str(tmp_path / "stuff"))


def test_a_file_that_can_not_be_read_is_named(tmp_path, monkeypatch):
    write_tree(tmp_path / "stuff", {"fine": b"x", "locked": b"y"})
    real_open = os.open

    def refuse(path, flags, *arguments, **options):  # permission bits don't bind root, who may run the tests
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match=r"can't read .*/stuff/locked: permission denied"):
        imported(tmp_path / "stuff")


def test_a_folder_that_can_not_be_read_is_named(tmp_path, monkeypatch):
    write_tree(tmp_path / "stuff", {"locked/x": b"x"})
    real_open = os.open

    def refuse(path, flags, *arguments, **options):
        if path == "locked":
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StorageError, match=r"can't read .*/stuff/locked: permission denied"):
        scan(str(tmp_path / "stuff"))


def test_more_files_than_a_manifest_holds_are_refused_early(tmp_path, monkeypatch):
    monkeypatch.setattr(scanning, "MAX_FILES", 10)
    write_tree(tmp_path / "stuff", {f"d{number}/f": b"" for number in range(10)})
    scan(str(tmp_path / "stuff"))
    (tmp_path / "stuff/one more").mkdir()
    with pytest.raises(StorageError, match="more than 10 files and empty folders"):
        scan(str(tmp_path / "stuff"))


def test_a_tree_deeper_than_a_manifest_is_refused(tmp_path):
    (tmp_path / "stuff" / Path(*"abcdefghijklmnopqrstuvwxyz0123456")).mkdir(parents=True)
    with pytest.raises(StorageError, match="more than 32 folders deep"):
        scan(str(tmp_path / "stuff"))


def test_a_manifest_that_would_be_too_large_is_refused_in_words(tmp_path):
    found = Scan("stuff", str(tmp_path), is_folder=True)
    found.empty_dirs = [(f"{number:05d}" + "x" * 200,) for number in range(60_000)]
    with pytest.raises(StorageError, match="can't be one share: The manifest has"):
        import_scan(found, Watch())


def test_a_folder_that_changes_between_scan_and_digest_is_refused(tmp_path):
    write_tree(tmp_path / "stuff", {"a": b"a", "b": b"b"})
    found = scan(str(tmp_path / "stuff"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a").write_bytes(b"a")
    (tmp_path / "stuff/a").unlink()
    os.link(tmp_path / "elsewhere/a", tmp_path / "stuff/a")
    with pytest.raises(SourceChanged):
        import_scan(found, Watch())


def test_two_thousand_small_files_take_less_than_a_second(tmp_path, database):
    (tmp_path / "many").mkdir()
    for number in range(2000):
        (tmp_path / "many" / f"{number:04d}").write_bytes(b"%03000d" % number)
    for attempt in attempts(1.0):
        with attempt:
            found = imported(tmp_path / "many")
            Catalogue(database).add_share(found.cid, found.manifest, found.blocks, found.path, found.identities, 0.0)
    assert len(found.manifest.files) == 2000
