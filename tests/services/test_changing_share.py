"""A shared file that changes or vanishes while somebody fetches it: not one wrong byte is taken for a right one."""

from __future__ import annotations

import hashlib
import os
import random

import pytest
import trio

from node.services.downloading import DownloadTask
from node.services.exchange import Exchange
from node.services.finding import PeerFinder
from node.status import TransferState
from node.swarm.candidates import Candidates
from tests.services.test_downloading import MemoryStorage
from tests.services.test_library import node

DATA = random.Random(41).randbytes(24 << 20)


class Hashed(MemoryStorage):
    """Keeps no chunk, and knows which were right and which were not."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[int] = []

    def write(self, chunks):
        good = [index for index, data in chunks if hashlib.sha256(bytes(data)).digest() == self.manifest.digest(index)]
        bad = [index for index, _ in chunks if index not in good]
        self.writes += good
        self.wrong += bad
        return good, bad


def overwrite(path) -> None:
    """Other bytes at its end, and the old times, as a careless backup tool leaves them."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(8 << 20)
        file.write(bytes(16 << 20))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shorten(path) -> None:
    os.truncate(path, 10 << 20)


def replace(path) -> None:
    other = path.with_name("other")
    other.write_bytes(bytes(len(DATA)))
    other.rename(path)


def remove(path) -> None:
    path.unlink()


async def knows_nothing(cid) -> None:
    await trio.lowlevel.checkpoint()


@pytest.mark.parametrize("change", [overwrite, shorten, replace, remove])
async def test_a_file_that_changes_while_it_is_served(tmp_path, change):
    path = tmp_path / "changing.bin"
    path.write_bytes(DATA)
    async with node(tmp_path) as here, trio.open_nursery() as nursery:
        network = here.host.network
        network.handlers["here"] = here.library.exchange.accept
        item = (await here.library.share(str(path), lambda *_: None)).item
        leecher = network.host("leecher")
        exchange = Exchange(leecher, knows_nothing, "leecher")
        await nursery.start(exchange.run)
        candidates, storage = Candidates("leecher"), Hashed()
        swarm = exchange.swarm(item.cid)
        task = DownloadTask(swarm, candidates, storage, random.Random(1))
        finder = PeerFinder(exchange, leecher, swarm, candidates)
        nursery.start_soon(finder.run)
        finder.add_hint("here", ())
        nursery.start_soon(task.run)
        with trio.fail_after(60):
            while not storage.writes:  # noqa: ASYNC110 - a storage has no event
                await trio.sleep(0.001)
            change(path)
            while here.library.catalogue.get(item.cid).state is not TransferState.ERROR:  # noqa: ASYNC110
                await trio.sleep(0.005)
            while item.cid in here.library.exchange.swarms:  # noqa: ASYNC110 - everybody is told that it is over
                await trio.sleep(0.005)
        assert not storage.finished
        assert storage.wrong == [], "the change is noticed before a byte of it leaves"
        assert not candidates.is_banned("here")
        assert "changing.bin" in here.library.catalogue.get(item.cid).reason
        nursery.cancel_scope.cancel()
