"""Commands, lost streams and a moody disk in any order: in the end the file is here, and nothing is left over."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
import trio

from node.errors import ShoalError, StorageError
from node.services import downloading, writing
from node.services.choosing import Choosing
from node.services.exchange import Exchange
from node.store import downloads
from node.store.errors import DiskFull
from node.swarm.selection import Priority
from tests.services import fakes
from tests.services.fakes import CHUNK
from tests.services.test_choosing import CONTENT, FILES, LINK
from tests.services.test_interrupted import check_record
from tests.services.test_library import Here, node

SEEDERS = ("seeder", "second", "third")
STEPS = 60


class Chaos:
    """One node that things happen to."""

    def __init__(self, here: Here, nursery: trio.Nursery, seed: int) -> None:
        self.here = here
        self.library = here.library
        self.choosing = Choosing(here.library)
        self.nursery = nursery
        self.rng = random.Random(seed)
        self.write_error: type[StorageError] | None = None

    async def seed(self, name: str) -> None:
        async def find(cid):
            await trio.lowlevel.checkpoint()
            return CONTENT if cid == CONTENT.cid else None

        network = self.here.host.network
        exchange = Exchange(network.host(name), find, name)
        await self.nursery.start(exchange.run)
        network.handlers[name] = exchange.accept
        network.providers[CONTENT.cid.multihash].append(name)

    async def command(self) -> None:
        """One command of somebody, who may hang up in the middle of it."""
        library, rng = self.library, self.rng
        item = library.catalogue.find(CONTENT.cid)
        patience = rng.choice([0.0, 0.001, 0.01, 100.0])
        with trio.move_on_after(patience):
            with suppress(ShoalError):  # said to a person, who goes on
                if item is None or rng.random() < 0.2:
                    await library.get(LINK, self.here.folder, ())
                    return
                match rng.randrange(9):
                    case 0 | 1:
                        await library.pause(item)
                    case 2 | 3:
                        await library.resume(item)
                    case 4:
                        await library.stop(item)
                    case 5:
                        await library.cancel(item, delete=False)
                    case 6:
                        await library.verify(item, lambda done: None)
                    case 7:
                        names = rng.sample(sorted(FILES), 2)
                        await self.choosing.prioritize(item, names, rng.choice(list(Priority)))
                    case 8:
                        await self.choosing.limit_share(item, (None, rng.choice([None, 0, 50e3, 1e6])))

    def trouble(self) -> None:
        """Something happens to the node."""
        rng = self.rng
        streams = [stream for stream in self.here.host.opened if not stream.is_closed]
        match rng.randrange(4):
            case 0 if streams:
                rng.choice(streams).reset()
            case 1:
                for stream in streams:
                    stream.reset()
            case 2:
                self.write_error = rng.choice([DiskFull, None, StorageError])
            case 3:
                if active := self.library.active.get(CONTENT.cid):
                    active.task.fetch_only_from(rng.choice(["", "", *SEEDERS]))

    async def run(self) -> None:
        for _ in range(STEPS):
            await trio.sleep(self.rng.choice([0.0, 0.001, 0.01, 0.05, 0.3, 3.0]))
            if self.rng.random() < 0.4:
                self.trouble()
            elif self.rng.random() < 0.5:
                self.nursery.start_soon(self.command)
            else:
                await self.command()


@pytest.mark.parametrize("seed", range(12))
async def test_in_the_end_the_file_is_here(autojump_clock, tmp_path, monkeypatch, seed):
    monkeypatch.setattr(writing, "WAITING", 3 * CHUNK)
    monkeypatch.setattr(fakes, "BYTES_PER_S", 500e3)
    monkeypatch.setattr(downloading, "FULL_DISK_RETRY_S", 0.5)
    write = downloads.StoredDownload.write
    async with node(tmp_path, CONTENT) as here, trio.open_nursery() as nursery:
        chaos = Chaos(here, nursery, seed)

        def write_or_not(stored, chunks):
            if chaos.write_error:
                raise chaos.write_error("the disk has a mood")
            return write(stored, chunks)

        monkeypatch.setattr(downloads.StoredDownload, "write", write_or_not)
        for name in SEEDERS[1:]:
            await chaos.seed(name)
        await chaos.run()
        chaos.write_error = None
        await trio.sleep(200)
        check_record(here.library, CONTENT.cid)
        item = await here.library.get(LINK, here.folder, ())
        await chaos.choosing.limit_share(item, (None, None))
        if not item.is_complete and item.chunk_count:
            await chaos.choosing.prioritize(item, [], Priority.NORMAL)
        with trio.fail_after(300):
            while not here.library.catalogue.get(CONTENT.cid).is_complete:  # noqa: ASYNC110 - a catalogue has no event
                await trio.sleep(1)
        for path, data in FILES.items():
            assert (tmp_path / "downloads" / "things" / path).read_bytes() == data
        await trio.sleep(20)
        swarms = here.library.exchange.swarms.values()
        assert here.library.exchange._count == sum(len(swarm.sessions) for swarm in swarms)
        with trio.fail_after(3):
            await here.library.close()
        nursery.cancel_scope.cancel()
