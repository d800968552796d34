"""One node's watched folders over a real library and real files, with made-up news."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from node.net.kad_reports import ProvideReport
from node.services.exchange import Exchange
from node.services.library import Library
from node.services.providing import Providing
from node.services.watching import Watching
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.records import ProvideSchedule
from node.store.watched import WatchedFolders
from tests.services.fakes import FakeNetwork


class Nobody:
    """A DHT without anybody in it."""

    routing_table_size = 0
    region_bits = 0

    async def provide_all(self, keys):
        return dict.fromkeys(keys, ProvideReport(0, 0))

    async def withdraw(self, key):
        await trio.lowlevel.checkpoint()


class Seat:
    """One node's watched folders, and its person."""

    def __init__(self, tmp_path, watching, library, news):
        self.folder = tmp_path / "shared"
        self.watching = watching
        self.library = library
        self._news = news
        self.put_before_heard = lambda: None  # what happens just before the system watches
        self.fault: Exception | None = None  # what listening fails with
        self.begun = 0  # how often the system was asked for news

    def put(self, name, data=b"data"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return str(path)

    def names(self):
        return sorted(item.name for item in self.library.catalogue.items())

    async def tell(self, *names):
        """Have the system tell of changes, and let what follows from them happen."""
        await self._news.send({str(self.folder / name) for name in names})
        await trio.sleep(10)

    def is_provided(self, name):
        (item,) = [item for item in self.library.catalogue.items() if item.name == name]
        return self.library.providing.status(item.cid.multihash) is not None


@asynccontextmanager
async def seat(tmp_path, *, is_deaf=False):
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "shared").mkdir(exist_ok=True)
    database = Database(tmp_path / "home" / "state.db")
    async with trio.open_nursery() as nursery:
        host = FakeNetwork(nursery).host("here")
        exchange = Exchange(host, lambda cid: None, "here")
        providing = Providing(Nobody(), ProvideSchedule(database), trio.current_time)
        library = Library(
            Catalogue(database), exchange, host, providing, peer_id="here", own_folder=str(tmp_path / "home")
        )
        await nursery.start(exchange.run)
        await nursery.start(library.run)
        send, receive = trio.open_memory_channel(0)

        async def news(path):
            here.begun += 1
            if is_deaf:
                raise OSError("no more watches left")
            await trio.sleep(0.5)
            here.put_before_heard()
            if here.fault:
                raise here.fault
            yield set()
            async for paths in receive:
                yield paths

        watching = Watching(library, WatchedFolders(database), news, own_folder=str(tmp_path / "home"))
        await nursery.start(watching.run)
        here = Seat(tmp_path, watching, library, send)
        yield here
        nursery.cancel_scope.cancel()
    database.close()
