"""What of a watched folder is meant to be shared, and digesting it file by file."""

from __future__ import annotations

import os

import pytest

from node.errors import StorageError
from node.store import importing_many, watch_scan
from node.store.database import Database
from node.store.identity import Identity
from node.store.importing_many import digest_some
from node.store.watch import Watch
from node.store.watch_scan import check_hearable, is_passing_name, look_at, scan_watched
from node.store.watched import WatchedFolders


def put(path, data=b"data"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def test_every_file_below_by_itself(tmp_path):
    wanted = {put(tmp_path / "a.txt"), put(tmp_path / "deep" / "er" / "b.txt")}
    put(tmp_path / "empty", b"")
    put(tmp_path / ".hidden" / "c")
    put(tmp_path / "own" / "shoal.db")
    os.symlink(tmp_path / "a.txt", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    found = scan_watched(str(tmp_path), own_folder=str(tmp_path / "own"))
    assert set(found) == wanted
    assert found == {path: look_at(path, str(tmp_path)) for path in wanted}


@pytest.mark.parametrize(
    "name",
    [".bashrc", "film.mkv.part", "x.crdownload", "X.CRDOWNLOAD", "notes.txt~", "~$letter.docx", "a.!qB", "Thumbs.db"],
)
def test_names_of_what_is_not_finished(name):
    assert is_passing_name(name)


@pytest.mark.parametrize("name", ["part", "film.part1.rar", "template.txt", "a~b", "~home", "tmp"])
def test_names_that_only_look_so(name):
    assert not is_passing_name(name)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StorageError):
        scan_watched(str(tmp_path / "gone"), own_folder="/nowhere")


def test_what_is_nothing_to_share(tmp_path):
    os.symlink(put(tmp_path / "a"), tmp_path / "link")
    assert [look_at(str(tmp_path / name), str(tmp_path)) for name in ("link", ".", "gone")] == [None, None, None]
    assert look_at(put(tmp_path / "empty", b""), str(tmp_path)) is None


def test_nothing_is_seen_through_a_symbolic_link(tmp_path):
    put(tmp_path / "outside" / "secret")
    (tmp_path / "watched").mkdir()
    os.symlink(tmp_path / "outside", tmp_path / "watched" / "link")
    assert look_at(str(tmp_path / "watched" / "link" / "secret"), str(tmp_path / "watched")) is None
    with pytest.raises(StorageError, match="symbolic link"):
        scan_watched(str(tmp_path / "watched" / "link"), own_folder="/nowhere")


def test_what_cannot_be_listened_to(tmp_path, monkeypatch):
    inside, outside = tmp_path / "watched", tmp_path / "outside"
    put(inside / "deep" / "a")
    outside.mkdir()
    os.symlink(put(outside / "file"), inside / "file")
    os.symlink(inside / "deep", inside / "again")
    check_hearable(str(inside))
    monkeypatch.setattr(watch_scan, "MAX_HEARD", 0)
    with pytest.raises(StorageError, match="more than 0 folders"):
        check_hearable(str(inside))
    monkeypatch.undo()
    os.symlink(outside, inside / "deep" / "out")
    with pytest.raises(StorageError, match="leads out of it"):
        check_hearable(str(inside))


def test_files_are_digested_each_in_the_state_it_was_found_in(tmp_path):
    same, changed, gone = (put(tmp_path / name, name.encode()) for name in ("same", "changed", "gone"))
    found = [(path, look_at(path, str(tmp_path))) for path in (same, changed, gone)]
    put(tmp_path / "changed", b"another length")
    os.unlink(gone)
    batch = digest_some(found, Watch())
    assert [(each.path, each.imported.manifest.name) for each in batch.ready] == [(same, "same")]
    assert batch.changed == [changed, gone]
    assert not batch.failed


def test_a_file_whose_name_no_manifest_can_have_fails_alone(tmp_path):
    odd = os.path.join(os.fsencode(tmp_path), b"\xff.txt")
    with open(odd, "wb") as file:
        file.write(b"data")
    paths = [os.fsdecode(odd), put(tmp_path / "fine")]
    batch = digest_some([(path, look_at(path, str(tmp_path))) for path in paths], Watch())
    assert "not valid UTF-8" in batch.failed[paths[0]]
    assert [each.path for each in batch.ready] == paths[1:]


def test_a_batch_ends_when_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(importing_many, "BATCH_S", 0.0)
    paths = [put(tmp_path / name) for name in "abc"]
    batch = digest_some([(path, look_at(path, str(tmp_path))) for path in paths], Watch())
    assert [each.path for each in batch.ready] == paths[:1]


def test_what_is_watched_survives_a_restart(tmp_path):
    database = Database(tmp_path / "state.db")
    saved = WatchedFolders(database)
    for at, folder in enumerate(("/b", "/a", "/a")):
        saved.add_folder(folder, float(at))
    state = Identity(1, 2, 3, 4, 5)
    saved.set_files([("/a/x", state, b"1" * 36), ("/a/\udcff", state, b"2" * 36)])
    saved.set_files([("/a/x", state, b"3" * 36), ("/b/kept", state, b"4" * 36)])
    saved.remove_folder("/b", ["/b/kept"])
    database.close()
    again = WatchedFolders(Database(tmp_path / "state.db"))
    assert again.folders() == ["/a"]
    assert sorted(again.files()) == [("/a/x", state, b"3" * 36), ("/a/\udcff", state, b"2" * 36)]
    again.remove_files(["/a/x"])
    assert [path for path, _, _ in again.files()] == ["/a/\udcff"]
