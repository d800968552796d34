"""What a person chose is there again after `kill -9`: limits, files, order, and that a download was paused."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.daemons import Daemon, await_that

MB = 1_000_000
FILM, SONG, NOTES = 3 * MB, 1_500_000, 1000


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "songs").mkdir(parents=True)
    for name, size in (("film.mkv", FILM), ("songs/one.mp3", SONG), ("songs/two.mp3", SONG), ("notes.txt", NOTES)):
        (folder / name).write_bytes(os.urandom(size))
    return folder


def crash(daemon: Daemon) -> None:
    daemon.kill()
    daemon.restart()


def test_choices_survive_kill_9(start, tmp_path, album):
    seeder = start("seeder")
    seeder.await_ready()
    link = seeder.ask("share", album)["item"]["link"]
    seeder.ask("limit", "--up", "1MB")
    leecher = start("leecher")
    leecher.await_ready()
    there = tmp_path / "there"

    item = leecher.ask("get", link, "-o", there, "--only", "songs", "--sequential", "--detach")
    cid = item["cid"]
    await_that(lambda: leecher.item(cid)["bytes_have"] > 0, "something has come")
    leecher.ask("limit", cid, "--down", "300kB", "--up", "off")
    leecher.ask("limit", "--down", "5MB")
    leecher.ask("pause", cid)
    crash(leecher)

    item = leecher.item(cid)
    assert item["state"] == "Paused"
    assert item["sequential"]
    assert (item["up_limit_bps"], item["down_limit_bps"]) == (None, 300e3)
    assert (item["skipped_files"], item["skipped_bytes"]) == (2, FILM + NOTES)
    assert leecher.ask("status")["down_limit_bps"] == 5e6

    leecher.ask("resume", cid)
    await_that(lambda: leecher.item(cid)["state"] != "Paused", "it goes on")
    crash(leecher)

    leecher.ask("limit", cid, "--down", "off")
    await_that(lambda: leecher.item(cid)["state"] == "Seeding", "the songs are there")
    assert leecher.item(cid)["reason"] == "2 of 4 files"
    assert sorted(path.name for path in (there / "album").rglob("*") if path.is_file()) == ["one.mp3", "two.mp3"]
    done = leecher.run("get", link, "-o", tmp_path / "elsewhere")
    assert done.returncode == 2
    assert "is partly in" in done.stderr

    crash(seeder)
    assert seeder.ask("limit")["up_limit_bps"] == 1e6
    seeder.ask("limit", "--up", "off")
    files = {file["path"]: file["priority"] for file in leecher.ask("info", cid)["file_list"]}
    assert files == {"film.mkv": "skip", "notes.txt": "skip", "songs/one.mp3": "normal", "songs/two.mp3": "normal"}
    leecher.ask("priority", cid, "high", "film.mkv")
    leecher.ask("priority", cid, "normal", "notes.txt")
    await_that(lambda: leecher.item(cid)["chunks_have"] == leecher.item(cid)["chunks"], "all of it is there")
    await_that(lambda: (there / "album" / "film.mkv").exists(), "the film is in its place")
    for path in album.rglob("*.*"):
        assert (there / "album" / path.relative_to(album)).read_bytes() == path.read_bytes()


def test_a_limit_holds_and_a_cancelled_download_leaves_nothing(start, tmp_path):
    data = tmp_path / "file.bin"
    data.write_bytes(os.urandom(12 * MB))
    seeder, leecher = start("seeder"), start("leecher")
    seeder.await_ready()
    leecher.await_ready()
    link = seeder.ask("share", data)["item"]["link"]
    leecher.ask("limit", "--down", "1MB")
    cid = leecher.ask("get", link, "-o", tmp_path / "there", "--detach")["cid"]
    await_that(lambda: leecher.item(cid)["bytes_have"] > 0, "it has begun")
    since, had = time.monotonic(), leecher.item(cid)["bytes_have"]  # in this order: asking takes its time too
    await_that(lambda: leecher.item(cid)["bytes_have"] >= had + 3 * MB, "some megabytes have come")
    seconds = time.monotonic() - since
    assert seconds >= 1.5, "3 MB at 1 MB/s, of which some was asked for before"
    assert leecher.run("cancel", cid, "--delete").returncode == 0
    assert leecher.run("info", cid).returncode == 4
    assert list((tmp_path / "there").iterdir()) == []
