"""The node as a whole: who is made from what, in which order it starts, and how it ends.

Rules: wiring only. What fails at the start ends the process with one sentence and its exit code; a signal or the
`shutdown` method ends it in order: no new work, sessions told, connections closed, state saved.
"""

from __future__ import annotations

import gc
import json
import logging
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import trio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.api.bans import BansApi
from node.api.choices import ChoicesApi
from node.api.getting import GetApi
from node.api.items import ItemsApi
from node.api.node import NodeApi
from node.api.search import SearchApi
from node.api.watch import WatchApi
from node.config import Config
from node.control.lock import FolderLock, hold_folder
from node.control.server import ControlServer
from node.errors import ExitCode, ShoalError, StorageError, UsageError
from node.logs import start_logging
from node.net.addresses import parse, split_peer_id
from node.net.host import Host, HostSettings, open_host
from node.net.identity import Identity, load_or_create
from node.net.introductions import Introductions
from node.net.kad_reports import SUFFIX as KAD_SUFFIX
from node.net.kad_reports import KademliaSettings
from node.net.kademlia import Kademlia, open_kademlia
from node.net.mdns import Mdns
from node.net.mdns_lan import ZeroconfLan
from node.services.banning import Banning
from node.services.bootstrapping import Bootstrapping
from node.services.catalogues import Catalogues
from node.services.catalogues_own import OwnCatalogue
from node.services.catalogues_peers import ServerHints
from node.services.choosing import Choosing
from node.services.content import Content
from node.services.exchange import Exchange
from node.services.folder_news import folder_news
from node.services.introducing import Introducing
from node.services.library import Library
from node.services.named_peers import NamedPeers
from node.services.providing import Providing
from node.services.remembering import RememberedAddresses
from node.services.searching import Searching
from node.services.searching_answering import SearchAnswers
from node.services.searching_keywords import KeywordProviding
from node.services.self_check import SelfCheck
from node.services.snapshots import NodeInfo, Snapshots
from node.services.threads import single
from node.services.watching import Watching
from node.store.bans import Bans
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.entries import HeldCatalogues
from node.store.entries_own import OwnEntries
from node.store.records import AddressBook, ProviderRecords, ProvideSchedule
from node.store.search_index import SearchIndex
from node.store.watched import WatchedFolders
from protocols.catalog import PROTOCOL_ID as CATALOG_ID
from protocols.cid import Cid
from protocols.exchange import PROTOCOL_ID
from protocols.search import PROTOCOL_ID as SEARCH_PROTOCOL_ID

log = logging.getLogger(__name__)

GOODBYE_S = 3.0
"""How long the sessions' last words may take at the end; a person waits at a prompt."""


Started = Callable[[ControlServer, Host], None]


def run(config: Config) -> int:
    """Be the node until told to stop; the exit code. Raises ShoalError when it can't start."""
    with _opened(config) as (lock, database):
        try:
            trio.run(_run_alone, config, lock, database)
        except* ShoalError as group:
            raise single(group) from group
    return ExitCode.OK


async def run_beside(config: Config, stop: trio.Event, started: Callable[[ControlServer], None]) -> None:
    """Be the node beside other tasks of this process, until `stop` is set or the node is told to stop.

    Raises ShoalError, or groups of them, when it can't start.
    """
    with _opened(config) as (lock, database):
        await _main(config, lock, database, stop, lambda server, host: started(server))


@contextmanager
def _opened(config: Config) -> Iterator[tuple[FolderLock, Database]]:
    """The data folder, for as long as this process is its node."""
    _make_home(config)
    with ExitStack() as stack:
        lock = stack.enter_context(hold_folder(config.home.lock))
        start_logging(config.home.log, config.log_level)
        database = Database(config.home.database)
        stack.callback(database.close)
        yield lock, database


async def _run_alone(config: Config, lock: FolderLock, database: Database) -> None:
    """Be what the process is for: its signals end the node."""
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_await_signal, stop)
        await _main(config, lock, database, stop, lambda server, host: _announce(config, host))
        nursery.cancel_scope.cancel()


async def _main(config: Config, lock: FolderLock, database: Database, stop: trio.Event, started: Started) -> None:
    """Open everything, serve until `stop` is set, and close in reverse order."""
    _check_bootstrap(config)
    identity = load_or_create(config.home.key)
    book = RememberedAddresses(AddressBook(database))
    records = ProviderRecords(database)
    agent = f"shoal/{version('shoal')}"
    host_settings = HostSettings(
        identity=identity,
        listen=config.listen,
        address_book=book,
        agent=agent,
        max_connections=config.max_connections,
        max_inbound=max(1, config.max_connections * 2 // 3),  # the rest is kept for peers that this node looks for
    )
    kad_settings = KademliaSettings(protocol_id=config.network + KAD_SUFFIX)
    async with open_host(host_settings) as host, open_kademlia(host, kad_settings, records) as dht:
        home, now = str(config.home.path), trio.current_time()
        info = NodeInfo(version("shoal"), kad_settings.protocol_id, home, now, config.mdns)
        async with trio.open_nursery() as nursery:
            library = await _start_services(nursery, host, dht, database, config, agent)
            banning = Banning(host, library.exchange, Bans(database))
            await banning.restore()
            snapshots = Snapshots(library, host, banning)
            catalogues = await _start_catalogues(nursery, host, dht, database, identity, is_public=config.catalogue)
            choosing = Choosing(library)
            getting = GetApi(library, choosing, snapshots, NamedPeers(host, library.exchange, dht))
            searching = await _start_search(nursery, host, dht, database, library.exchange, agent)
            items = ItemsApi(library, snapshots)
            apis = (
                NodeApi(host, dht, library, records.count, catalogues.counts, stop.set, info),
                items,
                ChoicesApi(library, choosing, snapshots),
                # Its `get` and `peers` also take hits.
                SearchApi(searching, library.catalogue, host, getting.get, items.peers),
                await _start_watching(nursery, library, database, config),
                BansApi(banning),
            )
            handlers = {name: handler for api in apis for name, handler in api.handlers.items()}
            server = ControlServer(config.home.socket, handlers, lock=lock)
            await nursery.start(server.run)
            nursery.start_soon(Bootstrapping(host, lambda: dht.routing_table_size, config.bootstrap, book).run)
            if config.mdns:
                nursery.start_soon(Mdns(host, ZeroconfLan(), random.Random()).run)
            # What a start has made stays. To look through it all again takes the collector 75 ms on the loop, or 110
            # with 100,000 keys to provide; without it, 0.4 ms.
            gc.freeze()
            started(server, host)
            await stop.wait()
            await _say_goodbye(library)
            nursery.cancel_scope.cancel()
    log.info("stopped")


async def _start_services(
    nursery: trio.Nursery, host: Host, dht: Kademlia, database: Database, config: Config, agent: str
) -> Library:
    """The tasks between the network and the disk, started in the order in which they need one another."""
    schedule = ProvideSchedule(database)
    providing = Providing(dht, schedule, time.time)
    words = KeywordProviding(providing, Catalogue(database), SearchIndex(database))
    providing.on_added = words.added
    nursery.start_soon(words.run)
    exchange = Exchange(host, _not_yet, agent)
    library = Library(
        Catalogue(database), exchange, dht, providing, peer_id=host.peer_id, own_folder=str(config.home.path)
    )
    exchange.find_content = library.find_content
    await Choosing(library).restore()
    await nursery.start(exchange.run)
    await nursery.start(library.run)
    nursery.start_soon(providing.run)
    nursery.start_soon(SelfCheck(dht, providing, time.time, random.Random()).run)
    nursery.start_soon(Introducing(exchange, Introductions(host), random.Random()).run)
    host.on_connected(lambda peer: providing.network_changed())
    host.set_handler(PROTOCOL_ID, exchange.accept)
    return library


async def _start_catalogues(
    nursery: trio.Nursery, host: Host, dht: Kademlia, database: Database, identity: Identity, *, is_public: bool
) -> Catalogues:
    """Telling neighbours what is shared here, and hearing what they share."""
    key = Ed25519PrivateKey.from_private_bytes(identity.seed)
    own = OwnCatalogue(OwnEntries(database), key, time.time, is_public=is_public)
    rng = random.Random()
    hints = ServerHints(host, Introductions(host), dht, rng)
    catalogues = Catalogues(host, own, HeldCatalogues(database), hints, time.time, rng)
    await nursery.start(catalogues.run)
    host.on_connected(catalogues.met)
    host.on_disconnected(catalogues.lost)
    host.set_handler(CATALOG_ID, catalogues.accept)
    for connection in host.connections():
        catalogues.met(connection.peer_id)
    return catalogues


async def _start_search(
    nursery: trio.Nursery, host: Host, dht: Kademlia, database: Database, exchange: Exchange, agent: str
) -> Searching:
    """Both ends of searching: asking others, and answering them."""
    index = SearchIndex(database)
    searching = Searching(host, dht, index, agent)
    searching.checking.heard_from = exchange.heard_from
    await nursery.start(searching.run)
    host.set_handler(SEARCH_PROTOCOL_ID, SearchAnswers(index).accept)
    return searching


async def _start_watching(nursery: trio.Nursery, library: Library, database: Database, config: Config) -> WatchApi:
    """Share what appears in watched folders."""
    watching = Watching(library, WatchedFolders(database), folder_news, own_folder=str(config.home.path))
    await nursery.start(watching.run)
    return WatchApi(watching)


async def _not_yet(cid: Cid) -> Content | None:
    """What is found before the library is there."""
    await trio.lowlevel.checkpoint()
    return None


async def _await_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            log.info("stopping on %s", signal.Signals(number).name)
            stop.set()
            return


async def _say_goodbye(library: Library) -> None:
    """Tell every session that this node leaves, so that its peers look elsewhere at once."""
    with trio.move_on_after(GOODBYE_S):
        await library.close()


def _announce(config: Config, host: Host) -> None:
    """Say on stdout where the node is, for the person or the script that started it."""
    if config.json:
        print(
            json.dumps({"v": 1, "event": "result", "peer_id": host.peer_id, "addresses": host.addresses()}), flush=True
        )
        return
    print(f"shoal node {host.peer_id}")
    for address in host.addresses():
        print(f"listening on {address}")
    sys.stdout.flush()


def _check_bootstrap(config: Config) -> None:
    """Raise UsageError for an address that nothing could come of, rather than be alone for no visible reason."""
    for address in config.bootstrap:
        if split_peer_id(parse(address))[1] is None:
            raise UsageError(f"bootstrap {address} does not say which peer it is: add /p2p/<peer id>")


def _make_home(config: Config) -> None:
    try:
        config.home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the data folder {config.home.path}: {error.strerror}") from error
