"""The methods on items and on the node itself: what a command's words mean to the services.

Rules: a handler checks its parameters, finds the item that is meant and calls one service; results are `node.status`
snapshots as JSON. `Api.handlers` is the whole API.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from node.api.choices import words_of
from node.control.server import Call, Handler
from node.errors import IntegrityError, NoPeersError, NotFoundError, ShoalError, StorageError, UsageError
from node.folder import DataFolder
from node.logs import last_lines
from node.net.addresses import parse, split_peer_id
from node.net.host import Host
from node.net.kademlia import Kademlia
from node.services.choosing import Choosing
from node.services.library import Library
from node.services.named_peers import NamedPeer, NamedPeers
from node.services.network_status import network_status
from node.services.running import Active
from node.services.snapshots import ROWS_AT_ONCE, NodeInfo, Snapshots, node_status
from node.services.threads import in_thread
from node.status import to_json
from node.store.items import Item
from node.store.resolving import resolve
from node.store.scanning import Scan
from protocols.cid import Cid
from protocols.link import Link, LinkError, could_be_cid_prefix, parse_target

PROGRESS_S = 0.1
"""Ten times a second: what a progress line can show."""

PATIENCE_S = 30.0
"""How long `get` waits without any peer before it says so; three lookups' worth. The download itself goes on trying."""

BLOCKED_S = 2.0
"""How long a full disk may last before `get` says so: room is often made at once."""

T = TypeVar("T")

LOG_LINES_DEFAULT = 200
LOG_LINES_MOST = 2_000
"""More than a screen can show; the file is there for the rest."""

CELLS_DEFAULT = 64
CELLS_MOST = 65_536
"""As many cells as the largest terminal has; the map is a string of so many characters."""


class Api:
    """All handlers, bound to the running node."""

    def __init__(
        self,
        host: Host,
        dht: Kademlia,
        library: Library,
        snapshots: Snapshots,
        records_held: Callable[[], int],
        catalogues: Callable[[], Awaitable[tuple[int, int]]],
        stop: Callable[[], None],
        info: NodeInfo,
    ) -> None:
        self._host = host
        self._dht = dht
        self._library = library
        self._choosing = Choosing(library)
        self._snapshots = snapshots
        self._records_held = records_held
        self._catalogues = catalogues
        self._stop = stop
        self._info = info
        self._named_peers = NamedPeers(host, library.exchange, dht)

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {
            "version": self.version,
            "status": self.status,
            "list": self.list_items,
            "info": self.info,
            "peers": self.peers,
            "network": self.network,
            "log": self.log,
            "refresh": self.refresh,
            "share": self.share,
            "get": self.get,
            "pause": self.pause,
            "resume": self.resume,
            "stop": self.stop,
            "cancel": self.cancel,
            "verify": self.verify,
            "connect": self.connect,
            "shutdown": self.shutdown,
        }

    # --- looking ----------------------------------------------------------------------------------------------

    async def version(self, call: Call) -> object:
        """The node's version."""
        return {"version": self._info.version}

    async def status(self, call: Call) -> object:
        """The node itself."""
        catalogues = await self._catalogues()
        held = self._records_held()
        return to_json(await node_status(self._host, self._dht, self._library, held, catalogues, self._info))

    async def list_items(self, call: Call) -> object:
        """Every share and download; with `moving` only those that are fetched or have a session with somebody.

        `also` names more of them by CID: those that have moved until now, to be told how they ended.
        """
        if call.param("moving", bool, default=False):
            swarms = self._library.exchange.swarms
            moving = {*self._library.active, *(cid for cid, swarm in swarms.items() if swarm.sessions)}
            moving.update(_cids(call.param("also", list, default=[])))
            rows = await in_thread(lambda: [self._library.catalogue.find(cid) for cid in moving])
            return [to_json(self._snapshots.item(row)) for row in rows if row is not None]
        answer = []
        for place, item in enumerate(await self._snapshots.items(), start=1):
            answer.append(to_json(item))
            if place % ROWS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return answer

    async def info(self, call: Call) -> object:
        """One item in full."""
        cells = call.param("cells", int, CELLS_DEFAULT)
        if not 1 <= cells <= CELLS_MOST:
            raise UsageError(f"cells is a number from 1 to {CELLS_MOST}, not {cells}")
        with_files = call.param("files", bool, default=True)
        return to_json(await self._snapshots.detail(await self._item(call), cells, with_files=with_files))

    async def peers(self, call: Call) -> object:
        """Who shares one item, or every connection of the node."""
        if call.params.get("target") is None:
            return [to_json(row) for row in self._snapshots.connections()]
        return [to_json(row) for row in self._snapshots.peers(await self._item(call))]

    async def network(self, call: Call) -> object:
        """The DHT and the connections."""
        return to_json(await network_status(self._host, self._dht, self._library, self._records_held()))

    async def log(self, call: Call) -> object:
        """The last lines of the node's log."""
        wanted = call.param("lines", int, LOG_LINES_DEFAULT)
        if not 1 <= wanted <= LOG_LINES_MOST:
            raise UsageError(f"lines is a number from 1 to {LOG_LINES_MOST}, not {wanted}")
        return {"lines": await in_thread(last_lines, DataFolder(Path(self._info.home)).log, wanted)}

    # --- doing ------------------------------------------------------------------------------------------------

    async def share(self, call: Call) -> object:
        """Share a path; progress as {name, done, total, files_done, files}."""
        newest: list[dict[str, object]] = []

        def progress(found: Scan, done: int) -> None:
            newest[:] = [{"name": found.name, "done": done, "total": found.total_size, "files": len(found.files)}]

        shared = await _reporting(call, newest, self._library.share(_path(call, "path"), progress))
        skipped = [f"{entry.path}: {entry.reason}" for entry in shared.scan.skipped]
        if shared.scan.skipped_count > len(skipped):
            skipped.append(f"{shared.scan.skipped_count - len(skipped)} more")
        return {"item": to_json(self._snapshots.item(shared.item)), "skipped": skipped, "new": shared.is_new}

    async def get(self, call: Call) -> object:
        """Download; with `wait` the answer comes when it is complete, and progress before that."""
        target = call.param("target", str)
        link = await self._link(target)
        hints = tuple(self._hint(peer) for peer in link.peers)
        chosen = await self._chosen(call.param("from", str, default=""), link.cid)
        item = await self._library.get(
            link,
            _path(call, "directory"),
            hints,
            chosen,
            is_elsewhere_wrong=call.param("elsewhere_is_wrong", bool, default=False),
            prepare=partial(self._choose, words_of(call, "only"), call.param("sequential", bool, default=False)),
        )
        if call.param("wait", bool, default=True):
            await self._follow(call, item)
        return to_json(self._snapshots.item(await self._fresh(item)))

    async def pause(self, call: Call) -> object:
        """Stop a download for now."""
        return await self._act(call, self._library.pause)

    async def resume(self, call: Call) -> object:
        """Go on with a download, or share again."""
        return await self._act(call, self._library.resume)

    async def stop(self, call: Call) -> object:
        """Stop sharing."""
        return await self._act(call, self._library.stop)

    async def cancel(self, call: Call) -> object:
        """Give a file up and forget its row; `delete` says what becomes of what was fetched."""
        delete = call.param("delete", bool)
        return await self._act(call, partial(self._library.cancel, delete=delete))

    async def verify(self, call: Call) -> object:
        """Hash what is here again; progress as {done, total}."""
        item = await self._item(call)
        newest: list[dict[str, object]] = []

        total = item.size if item.is_complete else item.bytes_have

        def progress(done: int) -> None:
            newest[:] = [{"name": item.name, "done": done, "total": total}]

        item, verified = await _reporting(call, newest, self._library.verify(item, progress))
        row = to_json(self._snapshots.item(item))
        return {"item": row, "bad_chunks": list(verified.bad), "checked": verified.checked}

    async def connect(self, call: Call) -> object:
        """Dial a peer by multiaddr."""
        return {"peer_id": await self._host.connect(parse(call.param("multiaddr", str)))}

    async def refresh(self, call: Call) -> object:
        """Look for peers in every part of the DHT's key space, as the node does by itself from time to time."""
        await self._dht.refresh_routing_table()
        return {"routing_table": self._dht.routing_table_size}

    async def shutdown(self, call: Call) -> object:
        """End the node once this answer has left."""
        call.then = self._stop
        return {}

    # --- inside -----------------------------------------------------------------------------------------------

    async def _act(self, call: Call, action: Callable[[Item], Awaitable[Item]]) -> object:
        return to_json(self._snapshots.item(await action(await self._item(call))))

    async def _item(self, call: Call) -> Item:
        return await in_thread(resolve, self._library.catalogue, call.param("target", str))

    async def _choose(self, only: tuple[str, ...], is_sequential: bool, item: Item) -> None:
        """What `get` says of which files are wanted, and in which order; without a word it stays as it is."""
        if only:
            await self._choosing.want_only(item, only)
        if is_sequential:
            await self._choosing.set_sequential(item, is_sequential)

    async def _fresh(self, item: Item) -> Item:
        return await in_thread(self._library.catalogue.get, item.cid)

    async def _link(self, target: str) -> Link:
        """What a person means: a link, a CID, or a row that is here already."""
        try:
            return parse_target(target)
        except LinkError as error:
            try:
                item = await in_thread(resolve, self._library.catalogue, target)
            except NotFoundError:
                if target.isdecimal() or could_be_cid_prefix(target):
                    raise
                raise UsageError(str(error)) from error
            return Link(item.cid, item.name or None, None, item.hints)

    async def _chosen(self, text: str, cid: Cid) -> NamedPeer | None:
        """The peer that the person wants it from, which has said that it has it."""
        item = await in_thread(self._library.catalogue.find, cid)
        if not text or (item and item.is_complete):
            return None
        active = self._library.active.get(cid)
        return await self._named_peers.having(text, cid, active.task.candidates.addresses() if active else {})

    def _hint(self, text: str) -> tuple[str, str]:
        address, peer = split_peer_id(parse(text))
        if peer is None:
            raise UsageError(f"{text} does not say which peer it is: add /p2p/<peer id>")
        return peer, address

    async def _follow(self, call: Call, item: Item) -> None:
        """Report progress until the download has ended; raises its error, or why nothing moves."""
        active = self._library.active.get(item.cid)
        quiet_since = trio.current_time()
        timeout_s = call.param("patience_s", float, PATIENCE_S)
        while active and not active.ended.is_set() and not active.task.is_resting:
            await call.progress(to_json(self._snapshots.item(await self._fresh(item))))
            now = trio.current_time()
            if not active.task.stall_reason():
                quiet_since = now
            if active.task.blocked and now - quiet_since >= BLOCKED_S:
                raise StorageError(f"{active.task.blocked}; the download waits and goes on when there is room")
            if timeout_s and now - quiet_since >= timeout_s:
                raise _why_stalled(active)
            with trio.move_on_after(PROGRESS_S):
                await active.ended.wait()
        if active and active.error:
            raise active.error
        item = await self._fresh(item)
        if not item.is_complete and not (active and active.task.is_resting):
            raise ShoalError(
                f"#{item.number} {item.name or item.cid} is {item.state.lower()}: {item.reason or 'stopped'}"
            )


def _cids(texts: list[object]) -> list[Cid]:
    """The CIDs of a call; raises UsageError."""
    try:
        return [Cid.parse(str(text)) for text in texts]
    except ValueError as error:
        raise UsageError(f"also is a list of CIDs: {error}") from error


def _path(call: Call, name: str) -> str:
    """A path that means the same to the node as to its client, who works in another folder."""
    path = call.param(name, str)
    if not os.path.isabs(path) or "\0" in path:
        raise UsageError(f"{call.method} takes {name} as an absolute path, not {path!r}")
    return path


def _why_stalled(active: Active) -> ShoalError:
    reason = active.task.stall_reason()
    if active.task.candidates.banned and active.task.is_alone:
        return IntegrityError(f"{reason}; the download goes on when a good peer appears")
    return NoPeersError(f"{reason}; the node goes on looking")


async def _reporting(call: Call, newest: list[dict[str, object]], job: Awaitable[T]) -> T:
    """Await a job whose thread puts its newest progress into `newest`, passing it on a few times a second."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_report, call, newest)
        result = await job
        nursery.cancel_scope.cancel()
    return result


async def _report(call: Call, newest: list[dict[str, object]]) -> None:
    while True:
        await trio.sleep(PROGRESS_S)
        if newest:
            await call.progress(newest.pop())
