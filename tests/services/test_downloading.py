"""One download against seeders in memory: honest, lying, silent, leaving, and coming late. Virtual time throughout."""

from __future__ import annotations

import hashlib
import random
from contextlib import asynccontextmanager

import pytest
import trio

from node.errors import IntegrityError, StorageError
from node.services import writing
from node.services.content import Content
from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder
from node.status import TransferState
from node.swarm.candidates import Candidates
from node.swarm.selection import Wishes
from protocols.bitfield import Bitfield
from protocols.cid import DAG_CBOR, Cid
from tests.services.fakes import CHUNK, FakeNetwork, MemoryReader, complete_content

DATA = random.Random(11).randbytes(40 * CHUNK + 1000)
CONTENT = complete_content(DATA)


class Full(StorageError):
    is_full = True


class MemoryStorage:
    """A download kept in memory, with a disk that can be full or broken."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.manifest = None
        self.blocks = ()
        self.have = None
        self.writes: list[int] = []
        self.full_for = 0
        self.is_broken = False
        self.finished = False
        self.wished = Wishes()
        self.placed = ()

    def saved_manifest(self):
        return (self.manifest, self.blocks) if self.manifest else None

    def save_manifest(self, manifest, blocks) -> None:
        self.manifest, self.blocks = manifest, tuple(blocks)

    def wishes(self) -> Wishes:
        return self.wished

    def place(self, files, watch) -> None:
        self.placed = tuple(files)

    def open(self, manifest, watch) -> Bitfield:
        if self.have is None:
            self.data = bytearray(manifest.geometry.total_size)
            self.have = Bitfield(manifest.geometry.chunk_count)
        return self.have.copy()

    def read(self, index, offset, length) -> bytes:
        return MemoryReader(self.data, self.manifest).read(index, offset, length)

    def write(self, chunks):
        if self.is_broken:
            raise StorageError("the disk reports an I/O error")
        if self.full_for:
            self.full_for -= 1
            raise Full("the disk is full")
        good, bad = [], []
        for index, data in chunks:
            if hashlib.sha256(bytes(data)).digest() != self.manifest.digest(index):
                bad.append(index)
                continue
            self.data[index * CHUNK : index * CHUNK + len(data)] = bytes(data)
            self.have.set(index)
            self.writes.append(index)
            good.append(index)
        return good, bad

    def finish(self, watch) -> None:
        self.finished = True

    def close(self) -> None:
        pass


async def written(storage: MemoryStorage, count: int) -> None:
    """Wait, in virtual time, until so many chunks are on the disk."""
    while len(storage.writes) < count:  # noqa: ASYNC110 - a storage has no event, and this clock costs nothing
        await trio.sleep(0.001)


class LyingReader(MemoryReader):
    """Every chunk it serves has one wrong byte."""

    def read(self, index, offset, length):
        data = bytearray(super().read(index, offset, length))
        data[0] ^= 1
        return bytes(data)


class World:
    """A fake network with seeders and one leecher."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.nursery = nursery
        self.network = FakeNetwork(nursery)
        self.seeders: dict[str, Exchange] = {}

    async def seed(self, name: str, content: Content = CONTENT) -> Exchange:
        async def find(cid):
            await trio.lowlevel.checkpoint()
            return content if cid == content.cid else None

        exchange = Exchange(self.network.host(name), find, name)
        await self.nursery.start(exchange.run)
        self.network.handlers[name] = exchange.accept
        self.network.providers.setdefault(content.cid.multihash, []).append(name)
        self.seeders[name] = exchange
        return exchange

    def leave(self, name: str) -> None:
        """The peer vanishes: nobody can dial it and its streams break."""
        del self.network.handlers[name]
        for stream in self.leecher.opened:
            if stream.peer_id == name:
                stream.reset()

    async def leech(self, cid: Cid = CONTENT.cid, storage=None, name: str = "leecher") -> DownloadTask:
        async def find(cid):
            await trio.lowlevel.checkpoint()

        self.leecher = self.network.host(name)
        exchange = Exchange(self.leecher, find, name)
        await self.nursery.start(exchange.run)
        self.network.handlers[name] = exchange.accept
        self.exchange = exchange
        self.storage = storage or MemoryStorage()
        self.candidates = Candidates(name)
        swarm = exchange.swarm(cid)
        self.task = DownloadTask(swarm, self.candidates, self.storage, random.Random(1))
        self.finder = PeerFinder(exchange, self.leecher, swarm, self.candidates)
        self.nursery.start_soon(self.finder.run)
        return self.task


@asynccontextmanager
async def world():
    async with trio.open_nursery() as nursery:
        yield World(nursery)
        nursery.cancel_scope.cancel()


async def test_a_file_crosses_from_nothing_but_its_cid(autojump_clock):
    async with world() as here:
        await here.seed("a")
        task = await here.leech()
        await task.run()
        assert here.storage.data == DATA
        assert here.storage.finished
        assert task.state is TransferState.SEEDING


async def test_two_seeders_share_the_work(autojump_clock):
    async with world() as here:
        await here.seed("a")
        await here.seed("b")
        task = await here.leech()
        await task.run()
        assert here.storage.data == DATA
        for seeder in here.seeders.values():
            assert seeder.swarms[CONTENT.cid].total_sent > 10 * CHUNK


async def test_a_liar_is_banned_and_its_damage_bounded(autojump_clock):
    lying = complete_content(DATA)
    lying.reader = LyingReader(DATA, lying.manifest)
    async with world() as here:
        await here.seed("liar", lying)
        await here.seed("honest")
        task = await here.leech()
        await task.run()
        assert here.storage.data == DATA
        assert here.candidates.is_banned("liar")
        assert task.bad_chunks <= 4, "the bytes a liar can waste are a few chunks, not the file"


async def test_a_lone_liar_leaves_a_download_that_says_why_and_goes_on_with_an_honest_peer(autojump_clock):
    lying = complete_content(DATA)
    lying.reader = LyingReader(DATA, lying.manifest)
    async with world() as here:
        await here.seed("liar", lying)
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(20)
        assert "banned" in task.stall_reason()
        await here.seed("honest")
        await trio.sleep(60)
        assert here.storage.finished
        assert here.storage.data == DATA


async def test_without_a_provider_the_reason_is_said_within_ten_seconds(autojump_clock):
    async with world() as here:
        task = await here.leech()
        task.lookups = lambda: here.finder.lookups_done
        here.nursery.start_soon(task.run)
        await trio.sleep(10)
        assert task.stall_reason() == "no provider answered"


async def test_why_a_provider_refuses_is_said(autojump_clock):
    async with world() as here:
        await here.seed("stopped", complete_content(b"something else"))
        here.network.providers[CONTENT.cid.multihash] = ["stopped"]
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(5)
        assert "it said: no such manifest is shared here" in task.stall_reason()


async def test_a_seeder_that_comes_late_is_found_within_half_a_minute(autojump_clock):
    async with world() as here:
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(600)
        await here.seed("late")
        await trio.sleep(30)
        assert here.storage.finished


async def test_one_of_two_seeders_vanishing_costs_nothing_but_time(autojump_clock):
    async with world() as here:
        await here.seed("a")
        await here.seed("b")
        task = await here.leech()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await written(here.storage, 5)
            here.leave("a")
        assert here.storage.data == DATA
        assert len(here.storage.writes) == CONTENT.geometry.chunk_count, "nothing was written twice"


async def test_a_peer_that_comes_back_is_used_again(autojump_clock):
    async with world() as here:
        exchange = await here.seed("a")
        task = await here.leech()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await written(here.storage, 5)
            here.leave("a")
            await trio.sleep(300)
            assert not here.storage.finished
            here.network.handlers["a"] = exchange.accept
        assert here.storage.data == DATA


async def test_a_download_that_was_begun_goes_on_where_it_was(autojump_clock):
    storage = MemoryStorage()
    async with world() as here:
        exchange = await here.seed("a")
        task = await here.leech(storage=storage)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await written(storage, 20)
            nursery.cancel_scope.cancel()
        assert exchange is not None
    before = set(storage.writes)
    async with world() as here:
        await here.seed("a")
        task = await here.leech(storage=storage)
        await task.run()
        assert storage.data == DATA
        assert not before & set(storage.writes[len(before) :]), "what was there is not fetched again"


async def test_a_full_disk_pauses_and_goes_on_when_there_is_room(autojump_clock):
    async with world() as here:
        await here.seed("a")
        storage = MemoryStorage()
        storage.full_for = 5
        task = await here.leech(storage=storage)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await trio.sleep(8)
            assert task.stall_reason() == "the disk is full"
        assert storage.data == DATA
        assert task.stall_reason() == ""


@pytest.mark.parametrize("writes", range(1, 16, 2))
async def test_a_disk_that_fills_while_data_comes_in_ends_no_session(autojump_clock, writes, monkeypatch):
    """What is cancelled for want of room may have come in the very bytes whose first message waits for room."""
    monkeypatch.setattr(writing, "WAITING", 2 * CHUNK)
    async with world() as here:
        await here.seed("a")
        storage = MemoryStorage()
        task = await here.leech(storage=storage)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await written(storage, writes)
            storage.full_for = 2
        assert storage.data == DATA
        assert len(here.leecher.opened) == 1


async def test_a_download_that_ends_while_its_peer_waits_for_the_disk_keeps_no_session(autojump_clock, monkeypatch):
    async def never(queue):
        await trio.sleep_forever()

    monkeypatch.setattr(writing, "WAITING", 2 * CHUNK)
    monkeypatch.setattr(writing.WriteQueue, "take", never)
    async with world() as here:
        await here.seed("a")
        task = await here.leech()
        with trio.move_on_after(5):
            await task.run()
        with trio.fail_after(10):
            await here.exchange.close()


async def test_a_session_is_heard_while_the_disk_is_full(autojump_clock, monkeypatch):
    """Its reader waited for room in the queue when the disk became full."""

    async def slow(work, *arguments, limiter=None):
        await trio.sleep(0.5)
        return work(*arguments)

    monkeypatch.setattr(writing, "WAITING", 2 * CHUNK)
    async with world() as here:
        await here.seed("a")
        storage = MemoryStorage()
        task = await here.leech(storage=storage)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(task.run)
            await written(storage, 5)
            monkeypatch.setattr(trio.to_thread, "run_sync", slow)
            storage.full_for = 1000
            await trio.sleep(5)
            assert task.stall_reason() == "the disk is full"
            here.leave("a")
            await trio.sleep(5)
            assert here.exchange.swarms[CONTENT.cid].sessions == {}
            nursery.cancel_scope.cancel()


async def test_a_flush_that_fails_at_the_end_is_no_failure(autojump_clock):
    class NoRoomAtTheEnd(MemoryStorage):
        def close(self) -> None:
            raise Full("the disk is full")

    async with world() as here:
        await here.seed("a")
        task = await here.leech(storage=NoRoomAtTheEnd())
        with trio.move_on_after(0.2) as scope:
            await task.run()
        assert scope.cancelled_caught


async def test_a_choice_made_while_the_last_one_is_read_holds(autojump_clock):
    class SlowStorage(MemoryStorage):
        def wishes(self) -> Wishes:
            here.task.wish(Wishes(is_sequential=True))
            return Wishes()

    async with world() as here:
        await here.seed("a")
        task = await here.leech(storage=SlowStorage())
        await task.run()
        assert task.machine.picker.is_sequential


async def test_a_broken_disk_ends_the_download_with_its_reason(autojump_clock):
    async with world() as here:
        await here.seed("a")
        storage = MemoryStorage()
        storage.is_broken = True
        task = await here.leech(storage=storage)
        with pytest.raises(StorageError, match="I/O error"):
            await task.run()


async def test_a_cid_whose_bytes_are_no_manifest_ends_in_an_integrity_error(autojump_clock):
    block = b"\xa1\x61v\x01"
    wrong = complete_content(DATA)
    wrong = Content(Cid.of(DAG_CBOR, block), wrong.manifest, (block,), wrong.have, wrong.reader)
    async with world() as here:
        await here.seed("a", wrong)
        task = await here.leech(wrong.cid)
        with pytest.raises(IntegrityError, match="not valid"):
            await task.run()


async def test_a_peer_with_a_wrong_manifest_is_banned_and_another_asked(autojump_clock):
    other = complete_content(DATA[:-1])
    lying = Content(CONTENT.cid, CONTENT.manifest, other._blocks, CONTENT.have, CONTENT.reader)
    async with world() as here:
        await here.seed("liar", lying)
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(5)
        assert here.candidates.is_banned("liar")
        await here.seed("honest")
        await trio.sleep(40)
        assert here.storage.data == DATA


async def test_a_leecher_serves_what_it_has_before_it_is_complete(autojump_clock):
    half = complete_content(DATA)
    half.have = Bitfield(CONTENT.geometry.chunk_count)
    for index in range(20):
        half.have.set(index)
    async with world() as here:
        await here.seed("half", half)
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(11)
        assert sorted(here.storage.writes) == list(range(20))
        assert "chunk" in task.stall_reason()

        second = World(here.nursery)
        second.network = here.network
        here.network.providers[CONTENT.cid.multihash] = ["leecher"]
        second.leecher = here.network.host("second")
        exchange = Exchange(second.leecher, lambda cid: None, "second")
        await here.nursery.start(exchange.run)
        storage = MemoryStorage()
        candidates = Candidates("second")
        swarm = exchange.swarm(CONTENT.cid)
        here.nursery.start_soon(DownloadTask(swarm, candidates, storage, random.Random(2)).run)
        here.nursery.start_soon(PeerFinder(exchange, second.leecher, swarm, candidates).run)
        await trio.sleep(10)
        assert sorted(storage.writes) == list(range(20))


async def test_who_waits_for_the_manifest_itself_is_asked_now_and_then(autojump_clock):
    async with world() as here:
        first = await here.leech(name="first")
        here.nursery.start_soon(first.run)
        here.network.providers[CONTENT.cid.multihash] = ["first"]
        second = await here.leech(name="second")
        here.nursery.start_soon(second.run)
        await trio.sleep(60)
        (stream,) = here.leecher.opened
        (session,) = here.exchange.swarms[CONTENT.cid].sessions.values()
        assert stream.peer_id == "first"
        assert session.sent < 300, "two that wait for the manifest don't ask each other as fast as the line"
        here.network.providers.clear()
        await here.seed("late")
        await trio.sleep(90)
        assert here.storage.data == DATA


async def test_an_empty_file_is_complete_with_its_manifest(autojump_clock):
    empty = complete_content(b"")
    async with world() as here:
        await here.seed("a", empty)
        task = await here.leech(empty.cid)
        await task.run()
        assert here.storage.finished
