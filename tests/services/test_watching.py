"""Watched folders over a real library and real files, with made-up news and in virtual time."""

from __future__ import annotations

import os

import pytest
import trio

from node.errors import NotFoundError, UsageError
from node.services.folder_news import folder_news
from node.services.watching import DEAF_RESCAN_S, RESCAN_S
from node.store.errors import DiskFull
from tests.services.watched_seat import seat


async def test_what_is_there_and_what_appears_is_shared(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("there.txt")
        here.put("sub/below.txt")
        here.put("unfinished.part")
        status = await here.watching.add(str(here.folder))
        assert status.path == str(here.folder)
        await trio.sleep(10)
        assert here.names() == ["below.txt", "there.txt"]
        assert here.is_provided("below.txt")
        here.put("new.txt")
        await here.tell("new.txt")
        assert here.names() == ["below.txt", "new.txt", "there.txt"]
        (status,) = here.watching.statuses()
        assert (status.shared, status.waiting, status.problem) == (3, 0, "")


async def test_what_appears_before_the_system_watches_is_not_lost(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put_before_heard = lambda: here.put("early.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        assert here.names() == ["early.txt"]


async def test_a_change_is_shared_anew_and_the_old_cid_withdrawn(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt", b"before")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        (before,) = here.library.catalogue.items()
        here.put("a.txt", b"afterwards")
        await here.tell("a.txt")
        (after,) = here.library.catalogue.items()
        assert after.cid != before.cid
        assert here.library.providing.status(before.cid.multihash) is None
        assert here.library.providing.status(after.cid.multihash) is not None


async def test_what_vanishes_is_withdrawn_and_a_rename_is_both(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        gone, old = here.put("gone.txt"), here.put("old.txt", b"other data")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.unlink(gone)
        os.rename(old, here.folder / "new.txt")
        await here.tell("gone.txt", "old.txt", "new.txt")
        assert here.names() == ["new.txt"]


async def test_a_folder_that_is_moved_in_or_away_takes_its_files_along(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        await here.watching.add(str(here.folder))
        (tmp_path / "album").mkdir()
        for number in range(3):
            (tmp_path / "album" / f"{number}.ogg").write_bytes(b"song %d" % number)
        os.rename(tmp_path / "album", here.folder / "album")
        await here.tell("album")
        assert here.names() == ["0.ogg", "1.ogg", "2.ogg"]
        os.rename(here.folder / "album", tmp_path / "album")
        await here.tell("album")
        assert here.names() == []


async def test_a_file_that_is_written_slowly_is_shared_once_and_whole(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        await here.watching.add(str(here.folder))
        for size in range(1, 6):
            here.put("slow.bin", b"x" * size)
            await here._news.send({str(here.folder / "slow.bin")})
            await trio.sleep(1)
            assert here.names() == []
        await trio.sleep(10)
        (item,) = here.library.catalogue.items()
        assert item.size == 5


async def test_two_equal_files_are_one_share_until_both_are_gone(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        one, two = here.put("a/same.txt"), here.put("b/same.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        (item,) = here.library.catalogue.items()
        os.unlink(item.path)
        await here.tell(item.path)
        (left,) = here.library.catalogue.items()
        assert {item.path, left.path} == {one, two}
        os.unlink(left.path)
        await here.tell(left.path)
        assert here.names() == []


async def test_a_restart_finds_what_happened_meanwhile_and_digests_nothing_again(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        same, gone = here.put("same.txt"), here.put("gone.txt", b"gone")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        added_at = {item.name: item.added_at for item in here.library.catalogue.items()}
    os.unlink(gone)
    here.put("new.txt", b"new")
    async with seat(tmp_path) as here:
        await trio.sleep(10)
        assert here.names() == ["new.txt", "same.txt"]
        assert {item.path for item in here.library.catalogue.items()} == {same, str(here.folder / "new.txt")}
        assert added_at["same.txt"] == here.library.catalogue.named("same.txt")[0].added_at


async def test_unwatching_withdraws_or_keeps(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        folder = str(here.folder)
        await here.watching.add(folder)
        await trio.sleep(10)
        status = await here.watching.remove(folder, keep=True)
        assert status.shared == 1
        assert here.names() == ["a.txt"]
        await here.watching.add(folder)
        await trio.sleep(10)
        await here.watching.remove(folder, keep=False)
        assert (here.names(), here.watching.statuses()) == ([], [])
        with pytest.raises(NotFoundError, match="isn't watched"):
            await here.watching.remove(folder, keep=False)
        here.put("later.txt")
        await trio.sleep(2 * RESCAN_S)
        assert here.names() == []


async def test_what_cannot_be_watched(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("sub/a.txt")
        with pytest.raises(NotFoundError, match="no folder"):
            await here.watching.add(str(tmp_path / "nowhere"))
        with pytest.raises(UsageError, match="data folder"):
            await here.watching.add(str(tmp_path / "home"))
        await here.watching.add(str(here.folder))
        assert (await here.watching.add(str(here.folder))).path == str(here.folder)
        with pytest.raises(UsageError, match="watched already"):
            await here.watching.add(str(here.folder / "sub"))
        with pytest.raises(UsageError, match="unwatch it first"):
            await here.watching.add(str(tmp_path))


async def test_a_full_disk_costs_time_and_no_hashing_without_end(tmp_path, autojump_clock, monkeypatch, caplog):
    async with seat(tmp_path) as here:
        tries = []
        share_all = here.library.share_all

        async def full(shares):
            tries.append(trio.current_time())
            if len(tries) < 3:
                raise DiskFull("the disk is full")
            await share_all(shares)

        monkeypatch.setattr(here.library, "share_all", full)
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(120)
        assert here.names() == ["a.txt"]
        assert len(tries) == 3
        assert tries[2] - tries[1] > 30
        assert caplog.text.count("the disk is full") == 2


async def test_where_no_news_can_be_heard_the_folder_is_read_again_and_again(tmp_path, autojump_clock, caplog):
    async with seat(tmp_path, is_deaf=True) as here:
        await here.watching.add(str(here.folder))
        await trio.sleep(60)
        here.put("a.txt")
        await trio.sleep(DEAF_RESCAN_S + 5)
        assert here.names() == ["a.txt"]
        (status,) = here.watching.statuses()
        assert status.problem == "no more watches left"
        assert caplog.text.count("no more watches left") == 1


async def test_a_folder_on_a_disk_that_is_not_mounted_keeps_its_shares(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.rename(here.folder, tmp_path / "away")
        await here.tell("a.txt")
        assert here.names() == ["a.txt"]
        assert here.watching.statuses()[0].problem == "the folder isn't there"
        os.rename(tmp_path / "away", here.folder)
        here.put("b.txt", b"more")
        await trio.sleep(2 * DEAF_RESCAN_S)
        assert here.names() == ["a.txt", "b.txt"]


async def test_the_systems_own_news(tmp_path):
    heard = set()
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:

            async def listen():
                async for paths in folder_news(str(tmp_path)):
                    heard.update(paths)

            nursery.start_soon(listen)
            number = 0
            while not heard:
                number += 1
                (tmp_path / f"{number}.txt").write_text("news")
                await trio.sleep(0.1)
            nursery.cancel_scope.cancel()
    assert heard <= {str(tmp_path / f"{each}.txt") for each in range(number + 1)}
