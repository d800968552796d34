"""Watched folders when things go wrong: odd names, links, folders that are others, commands at the wrong moment."""

from __future__ import annotations

import os

import pytest
import trio

from node.errors import NotFoundError, ShoalError, StorageError, UsageError
from node.services import watch_sharing, watching
from node.services.watching import DEAF_RESCAN_S, RESCAN_S
from node.status import TransferState
from tests.services.watched_seat import seat


def take_long(monkeypatch, work_name, seconds):
    """Have a reading take its time, after which it is as it was found: in a thread, which no cancel ends."""
    in_thread, work = watching.in_thread, getattr(watching, work_name)

    async def slow(called, *arguments):
        result = await in_thread(called, *arguments)
        if called is work:
            with trio.CancelScope(shield=True):
                await trio.sleep(seconds)
        return result

    monkeypatch.setattr(watching, "in_thread", slow)


def digest_slowly(monkeypatch, name, seconds):
    """Have the digesting of a file take its time."""
    stoppable = watch_sharing.stoppable

    async def slow(work, files, *, progress):
        result = await stoppable(work, files, progress=progress)
        if any(path.endswith(name) for path, _ in files):
            await trio.sleep(seconds)
        return result

    monkeypatch.setattr(watch_sharing, "stoppable", slow)


async def test_two_equal_files_that_go_at_once_are_both_withdrawn(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        one, two = here.put("a/same.txt"), here.put("b/same.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        assert here.names() == ["same.txt"]
        os.unlink(one)
        os.unlink(two)
        await here.tell("a/same.txt", "b/same.txt")
        assert here.names() == []


async def test_equal_files_are_withdrawn_with_their_folder(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a/same.txt"), here.put("b/same.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        await here.watching.remove(str(here.folder), keep=False)
        assert here.names() == []


async def test_a_file_that_another_watched_folder_has_too_is_shared_from_there(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("same.txt")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "same.txt").write_bytes(b"data")
        for folder in (tmp_path / "other", here.folder):
            await here.watching.add(str(folder))
            await trio.sleep(10)
        (item,) = here.library.catalogue.items()
        left = {str(tmp_path / "other"), str(here.folder)} - {os.path.dirname(item.path)}
        await here.watching.remove(os.path.dirname(item.path), keep=False)
        await trio.sleep(10)
        (item,) = here.library.catalogue.items()
        assert {os.path.dirname(item.path)} == left


async def test_what_is_read_of_a_folder_that_is_unwatched_meanwhile_is_not_shared(
    tmp_path, autojump_clock, monkeypatch
):
    async with seat(tmp_path) as here:
        for number in range(3):
            here.put(f"{number}.txt", b"%d" % number)
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.txt").write_bytes(b"data")
        take_long(monkeypatch, "read_folder", 5)
        await here.watching.add(str(here.folder))
        await trio.sleep(1)
        await here.watching.remove(str(here.folder), keep=False)
        await here.watching.add(str(tmp_path / "other"))
        await trio.sleep(60)
        assert here.names() == ["a.txt"]


async def test_nothing_is_shared_from_behind_a_symbolic_link(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.symlink(tmp_path / "outside", here.folder / "link")
        await here.tell("link", "link/secret.txt")  # the system follows it
        assert here.names() == []


async def test_a_folder_replaced_by_a_symbolic_link_keeps_its_shares_and_gets_no_others(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret.txt").write_bytes(b"secret")
        os.rename(here.folder, tmp_path / "away")
        os.symlink(tmp_path / "outside", here.folder)
        await here.tell("secret.txt")
        await trio.sleep(3 * DEAF_RESCAN_S)
        assert here.names() == ["a.txt"]
        assert "symbolic link" in here.watching.statuses()[0].problem


async def test_a_folder_that_was_removed_and_made_anew_is_heard_again(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.rename(here.folder, tmp_path / "away")
        here.folder.mkdir()
        await here.tell(".")
        await trio.sleep(2 * DEAF_RESCAN_S)
        assert here.begun == 2


async def test_a_name_that_the_system_cannot_tell_of_costs_its_news_and_not_the_node(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.fault = RuntimeError("Unable to decode path")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        here.put("a.txt")
        await trio.sleep(DEAF_RESCAN_S + 5)
        assert here.names() == ["a.txt"]
        assert "can't be heard" in here.watching.statuses()[0].problem
        here.fault = None
        await trio.sleep(2 * DEAF_RESCAN_S)
        assert here.watching.statuses()[0].problem == ""


async def test_a_bug_met_in_one_batch_ends_neither_the_watching_nor_the_node(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        share_all, faults = here.library.share_all, [ValueError("a bug")]

        async def buggy(shares):
            if faults:
                raise faults.pop()
            await share_all(shares)

        monkeypatch.setattr(here.library, "share_all", buggy)
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(60)
        assert here.names() == ["a.txt"]


async def test_unwatching_does_not_wait_for_what_is_being_digested(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        here.put("large.iso")
        digest_slowly(monkeypatch, "large.iso", 3600)
        await here.watching.add(str(here.folder))
        await trio.sleep(60)
        with trio.fail_after(10):
            await here.watching.remove(str(here.folder), keep=False)
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "a.txt").write_bytes(b"data")
        await here.watching.add(str(tmp_path / "other"))
        await trio.sleep(10)
        assert here.names() == ["a.txt"]
        await trio.sleep(3600)
        assert here.names() == ["a.txt"]


async def test_what_vanishes_is_withdrawn_while_another_file_is_digested(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        gone = here.put("gone.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        digest_slowly(monkeypatch, "large.iso", 3600)
        here.put("large.iso", b"large")
        await here.tell("large.iso")
        os.unlink(gone)
        await here.tell("gone.txt")
        assert here.names() == []
        await trio.sleep(3600)
        assert here.names() == ["large.iso"]


async def test_what_vanishes_while_it_is_digested_is_not_shared(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        digest_slowly(monkeypatch, "large.iso", 60)
        path = here.put("large.iso", b"large")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.unlink(path)
        await here.tell("large.iso")
        await trio.sleep(60)
        assert here.names() == []


async def test_what_cannot_be_withdrawn_now_is_withdrawn_later_and_holds_nothing_up(
    tmp_path, autojump_clock, monkeypatch, caplog
):
    async with seat(tmp_path) as here:
        busy, gone = here.put("busy.iso", b"busy"), here.put("gone.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        unshare, is_verifying = here.library.unshare, True

        async def verifying(cid, path):
            if is_verifying and path == busy:
                raise ShoalError("it is being verified")
            await unshare(cid, path)

        monkeypatch.setattr(here.library, "unshare", verifying)
        os.unlink(busy)
        os.unlink(gone)
        here.put("new.txt", b"new")
        await here.tell("busy.iso", "gone.txt", "new.txt")
        assert here.names() == ["busy.iso", "new.txt"]
        await trio.sleep(60)
        assert caplog.text.count("it is being verified") < 10
        is_verifying = False
        await trio.sleep(20)
        assert here.names() == ["new.txt"]


async def test_what_comes_back_while_its_withdrawal_is_owed_stays(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        path = here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        unshare, is_verifying = here.library.unshare, True

        async def verifying(cid, path):
            if is_verifying:
                raise ShoalError("it is being verified")
            await unshare(cid, path)

        monkeypatch.setattr(here.library, "unshare", verifying)
        os.unlink(path)
        await here.tell("a.txt")
        here.put("a.txt")
        await here.tell("a.txt")
        is_verifying = False
        await trio.sleep(60)
        assert here.names() == ["a.txt"]


@pytest.mark.parametrize("ends", ["by itself", "with the node"])
async def test_an_unwatch_that_nobody_waits_for_is_done_all_the_same(tmp_path, autojump_clock, monkeypatch, ends):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        unshare, may_go_on = here.library.unshare, trio.Event()

        async def slow(cid, path):
            await may_go_on.wait()
            await unshare(cid, path)

        monkeypatch.setattr(here.library, "unshare", slow)
        with trio.move_on_after(3):
            await here.watching.remove(str(here.folder), keep=False)
        assert here.watching.statuses() == []
        if ends == "by itself":
            may_go_on.set()
            await trio.sleep(10)
            assert here.names() == []
    async with seat(tmp_path) as here:
        await trio.sleep(30)
        assert (here.names(), here.watching.statuses()) == ([], [])


async def test_a_file_that_appears_while_its_folder_is_read_is_not_lost(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        take_long(monkeypatch, "read_folder", 1)
        await trio.sleep(RESCAN_S - 9.2)  # the next reading has looked and isn't taken in yet
        here.put("a.txt")
        await here.tell("a.txt")
        assert here.names() == ["a.txt"]


async def test_the_mount_point_of_a_disk_that_is_not_mounted_is_no_empty_folder(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        path = here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        os.unlink(path)
        with monkeypatch.context() as patch:
            patch.setattr("node.services.watch_reading.place_of", lambda root: (-1, 0))
            await trio.sleep(RESCAN_S + DEAF_RESCAN_S)
            assert here.names() == ["a.txt"]
            assert "isn't mounted" in here.watching.statuses()[0].problem


async def test_commands_on_one_folder_wait_for_one_another(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("sub/a.txt")
        refused = []

        async def add(path):
            try:
                await here.watching.add(str(path))
            except UsageError as error:
                refused.append(error)

        async def remove():
            try:
                await here.watching.remove(str(here.folder), keep=False)
            except NotFoundError as error:
                refused.append(error)

        async with trio.open_nursery() as nursery:
            for path in (here.folder, here.folder, here.folder / "sub"):
                nursery.start_soon(add, path)
        assert len(here.watching.statuses()) == 1
        assert len(refused) <= 2
        await trio.sleep(10)
        refused.clear()
        if here.watching.statuses()[0].path == str(here.folder):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(remove)
                nursery.start_soon(remove)
            assert len(refused) == 1
            assert here.names() == []


async def test_a_folder_that_cannot_be_forgotten_is_still_watched(tmp_path, autojump_clock, monkeypatch):
    async with seat(tmp_path) as here:
        await here.watching.add(str(here.folder))
        await trio.sleep(10)

        def full(path, kept=()):
            raise StorageError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(here.watching._saved, "remove_folder", full)
            with pytest.raises(StorageError):
                await here.watching.remove(str(here.folder), keep=False)
        here.put("a.txt")
        await here.tell("a.txt")
        assert here.names() == ["a.txt"]


async def test_a_share_that_was_stopped_by_hand_stays_stopped(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        (item,) = here.library.catalogue.items()
        await here.library.stop(item)
        await here.tell("a.txt")
        await trio.sleep(2 * RESCAN_S)
        assert here.library.catalogue.items()[0].state is TransferState.COMPLETE
    async with seat(tmp_path) as here:
        await trio.sleep(60)
        assert here.library.catalogue.items()[0].state is TransferState.COMPLETE


async def test_many_files_gone_at_once_are_few_readings(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        paths = [here.put(f"{number}.txt", b"%d" % number) for number in range(1_200)]
        await here.watching.add(str(here.folder))
        await trio.sleep(60)
        assert len(here.names()) == 1_200
        for path in paths:
            os.unlink(path)
        await here._news.send(set(paths))
        await trio.sleep(60)
        assert here.names() == []


async def test_files_that_cannot_be_shared_are_told_of_their_folder(tmp_path, autojump_clock):
    async with seat(tmp_path) as here:
        here.put("a.txt")
        here.put(os.fsdecode(b"caf\xe9.txt"), b"latin")
        await here.watching.add(str(here.folder))
        await trio.sleep(10)
        (status,) = here.watching.statuses()
        assert (status.shared, status.waiting) == (1, 0)
        assert status.problem.startswith("1 file can't be shared: ")
        assert "is not valid UTF-8; rename it" in status.problem
        assert status.problem.isprintable()
        here.put(os.fsdecode(b"na\xefve.txt"), b"latin too")
        await here.tell(os.fsdecode(b"na\xefve.txt"))
        assert here.watching.statuses()[0].problem.startswith("2 files can't be shared: one of them: the name of ")
        for name in (b"caf\xe9.txt", b"na\xefve.txt"):
            os.rename(here.folder / os.fsdecode(name), here.folder / f"{len(name)}.txt")
        await here.tell(*map(os.fsdecode, (b"caf\xe9.txt", b"na\xefve.txt")), "8.txt", "9.txt")
        (status,) = here.watching.statuses()
        assert (status.shared, status.waiting, status.problem) == (3, 0, "")
