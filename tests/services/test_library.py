"""The commands on shares and downloads, above all at awkward moments: twice at once, interrupted, on what is gone."""

from __future__ import annotations

import os
import random
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from node.errors import ShoalError, StorageError, UsageError
from node.net.kad_reports import ProvideReport
from node.services import downloading, totals
from node.services.exchange import Exchange
from node.services.library import Library
from node.services.providing import Providing
from node.status import TransferState
from node.store import downloads
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.errors import DiskFull, SourceChanged
from node.store.items import Item
from node.store.records import ProvideSchedule
from protocols.link import Link
from tests.services import fakes
from tests.services.fakes import CHUNK, FakeHost, FakeNetwork, complete_content

DATA = random.Random(23).randbytes(40 * CHUNK)
CONTENT = complete_content(DATA)
LINK = Link(CONTENT.cid)


class NoRouting:
    """A DHT that takes every record and knows nobody."""

    routing_table_size = 1
    region_bits = 0

    async def provide_all(self, keys):
        await trio.lowlevel.checkpoint()
        return dict.fromkeys(keys, ProvideReport(closest=1, stored=1))

    async def withdraw(self, key):
        await trio.lowlevel.checkpoint()


class Here:
    """A library over a real store, one seeder of CONTENT, and everything that the library dialled."""

    def __init__(self, library: Library, host: FakeHost, folder: str) -> None:
        self.library = library
        self.host = host
        self.folder = folder

    async def get(self):
        return await self.library.get(LINK, self.folder, ())

    async def until(self, *states: TransferState):
        with trio.fail_after(60):
            while (item := self.library.catalogue.find(CONTENT.cid)) is None or item.state not in states:  # noqa: ASYNC110
                await trio.sleep(0.005)
            return item

    async def until_some_is_here(self):
        with trio.fail_after(60):
            while not self.library.catalogue.get(CONTENT.cid).bytes_have:  # noqa: ASYNC110 - a catalogue has no event
                await trio.sleep(0.005)


@asynccontextmanager
async def node(tmp_path, content=CONTENT):
    async def seeds(cid):
        await trio.lowlevel.checkpoint()
        return content if cid == content.cid else None

    database = Database(tmp_path / "state.db")
    async with trio.open_nursery() as nursery:
        network = FakeNetwork(nursery)
        seeder = Exchange(network.host("seeder"), seeds, "seeder")
        await nursery.start(seeder.run)
        network.handlers["seeder"] = seeder.accept
        network.providers[content.cid.multihash] = ["seeder"]
        host = network.host("here")
        exchange = Exchange(host, seeds, "here")
        providing = Providing(NoRouting(), ProvideSchedule(database), lambda: 0.0)
        items = Library(Catalogue(database), exchange, host, providing, peer_id="here", own_folder=str(tmp_path))
        exchange.find_content = items.find_content
        await nursery.start(exchange.run)
        await nursery.start(items.run)
        folder = tmp_path / "downloads"
        folder.mkdir(exist_ok=True)
        yield Here(items, host, str(folder))
        nursery.cancel_scope.cancel()
    database.close()


async def test_two_gets_at_once_are_one_download(tmp_path):
    async with node(tmp_path) as here:
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(here.get)
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA
        assert len(here.host.opened) == 1, "one task has opened one session"


async def test_commands_in_any_order_at_once_leave_a_download_that_can_go_on(tmp_path):
    async with node(tmp_path) as here:
        item = await here.get()
        async with trio.open_nursery() as nursery:
            for action in (here.library.pause, here.library.resume, here.library.stop, here.library.resume):
                nursery.start_soon(action, item)
                nursery.start_soon(here.get)
        await here.get()
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def test_an_interrupted_verify_lets_the_download_go_on(tmp_path):
    async with node(tmp_path) as here:
        item = await here.get()
        await here.until_some_is_here()
        with trio.move_on_after(0):
            await here.library.verify(item, lambda done: None)
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def test_commands_on_what_is_being_verified_say_so_at_once(tmp_path):
    hashing, may_go_on = threading.Event(), threading.Event()

    def progress(done: int) -> None:
        hashing.set()
        may_go_on.wait(20)

    async with node(tmp_path) as here, trio.open_nursery() as nursery:
        item = await share(here, tmp_path / "file.bin")
        nursery.start_soon(here.library.verify, item, progress)
        await trio.to_thread.run_sync(hashing.wait, 20)
        for command in (here.library.stop, here.library.resume):
            with pytest.raises(ShoalError, match="being verified"):
                await command(item)
        may_go_on.set()


async def test_a_share_that_changed_is_not_resumed_but_verified_or_shared_again(tmp_path):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await here.library.stop(await share(here, path))
        os.truncate(path, 1)
        with pytest.raises(StorageError, match=r"file\.bin is not what was shared any more"):
            await here.library.resume(item)
        assert here.library.catalogue.get(item.cid).state is TransferState.COMPLETE
        path.write_bytes(DATA)
        await here.library.verify(item, lambda done: None)
        assert (await here.library.resume(item)).state is TransferState.SEEDING


@pytest.fixture
def disk(monkeypatch):
    """The data folder's disk: `disk.set()` makes it full. Whatever waits for room looks often."""
    full = threading.Event()
    write = Database.write

    @contextmanager
    def write_if_there_is_room(database):
        if full.is_set():
            raise DiskFull("can't write state.db: the disk is full")
        with write(database) as connection:
            yield connection

    monkeypatch.setattr(Database, "write", write_if_there_is_room)
    monkeypatch.setattr(downloading, "FULL_DISK_RETRY_S", 0.05)
    monkeypatch.setattr(totals, "SAVED_S", 0.02)
    return full


async def test_a_full_data_folder_stops_neither_the_node_nor_its_downloads(tmp_path, disk):
    async with node(tmp_path) as here:
        await here.get()
        task = here.library.active[CONTENT.cid].task
        disk.set()
        with trio.fail_after(60):
            while "full" not in task.stall_reason():  # noqa: ASYNC110 - a download has no event for it
                await trio.sleep(0.005)
            await trio.sleep(0.1)  # some more rounds of everything that is written down now and then
        disk.clear()
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def test_a_disk_that_is_full_when_the_file_is_in_place_costs_only_time(tmp_path, disk, monkeypatch):
    move = downloads.move_into_place

    def move_and_fill_the_disk(partial, watch):
        disk.set()
        return move(partial, watch)

    monkeypatch.setattr(downloads, "move_into_place", move_and_fill_the_disk)
    async with node(tmp_path) as here:
        await here.get()
        task = here.library.active[CONTENT.cid].task
        with trio.fail_after(60):
            while "full" not in task.blocked:  # noqa: ASYNC110 - a download has no event for it
                await trio.sleep(0.005)
        disk.clear()
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def test_a_failure_that_cannot_be_written_down_stops_nothing_else(tmp_path, disk):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        disk.set()
        os.utime(path, ns=(1, 1))
        content = await here.library.find_content(item.cid)
        content.on_unreadable(SourceChanged("file.bin changed"))
        await trio.sleep(0.1)
        disk.clear()
        assert (await here.library.stop(item)).state is TransferState.COMPLETE


async def test_what_is_in_its_place_already_is_provided_like_any_other_share(tmp_path):
    async with node(tmp_path) as here:
        await trio.Path(here.folder, "file.bin").write_bytes(DATA)
        await here.get()
        item = await here.until(TransferState.SEEDING)
        assert item.received == 0
        assert here.library.providing.status(item.cid.multihash) is not None


async def test_a_download_that_goes_on_is_provided_before_it_gets_more(tmp_path):
    async with node(tmp_path) as here:
        item = await here.get()
        await here.until_some_is_here()
        await here.library.pause(item)
        del here.host.network.handlers["seeder"]
        await here.library.resume(item)
        with trio.fail_after(60):
            while here.library.providing.status(item.cid.multihash) is None:  # noqa: ASYNC110 - it has no event for it
                await trio.sleep(0.005)


async def test_a_download_that_failed_goes_on_at_once(autojump_clock, tmp_path, monkeypatch):
    """Its peer may still be answering what the failed try has asked for last."""

    def broken(stored, chunks):
        raise StorageError("the disk reports an I/O error")

    monkeypatch.setattr(fakes, "BYTES_PER_S", 400e3)
    async with node(tmp_path) as here:
        item = await here.get()
        await trio.sleep(2)
        with monkeypatch.context() as patch:
            patch.setattr(downloads.StoredDownload, "write", broken)
            await here.until(TransferState.ERROR)
            with trio.fail_after(1):
                while item.cid in here.library.active:  # noqa: ASYNC110 - the row is written before the task is gone
                    await trio.sleep(0.001)
        assert here.library.exchange.swarms == {}
        await here.library.resume(item)
        item = await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert item.reason == ""
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def share(here: Here, path: Path) -> Item:
    await trio.Path(path).write_bytes(DATA)
    return (await here.library.share(str(path), lambda scan, done: None)).item


async def test_a_cancelled_download_is_gone_and_the_next_one_goes_on_from_what_was_kept(tmp_path):
    async with node(tmp_path) as here:
        item = await here.get()
        await here.until_some_is_here()
        await here.library.cancel(item, delete=False)
        assert here.library.catalogue.find(CONTENT.cid) is None
        (partial,) = (tmp_path / "downloads").iterdir()
        kept = partial.stat().st_blocks * 512
        assert kept > 0
        await here.get()
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA
        assert here.library.catalogue.get(CONTENT.cid).received < len(DATA), "what was kept isn't fetched again"


async def test_a_cancelled_download_leaves_nothing_if_it_is_to_be_deleted(tmp_path):
    async with node(tmp_path) as here:
        item = await here.get()
        await here.until_some_is_here()
        await here.library.cancel(item, delete=True)
        assert here.library.catalogue.find(CONTENT.cid) is None
        assert list((tmp_path / "downloads").iterdir()) == []
        assert CONTENT.cid not in here.library.exchange.swarms


async def test_a_paused_download_can_be_cancelled(tmp_path):
    async with node(tmp_path) as here:
        item = await here.library.pause(await here.get())
        await here.library.cancel(item, delete=True)
        assert list((tmp_path / "downloads").iterdir()) == []


async def test_a_cancelled_share_leaves_the_list_and_never_its_files(tmp_path):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        with pytest.raises(UsageError, match="never deletes"):
            await here.library.cancel(item, delete=True)
        assert here.library.catalogue.get(item.cid).state is TransferState.SEEDING
        await here.library.cancel(item, delete=False)
        assert here.library.catalogue.find(item.cid) is None
        assert path.read_bytes() == DATA
