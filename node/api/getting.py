"""The method `get`: what a person means by a target, whom it may come from, and how the download goes.

Rules: as in `items`. Whoever waits hears why nothing moves; the download itself goes on without them.
"""

from __future__ import annotations

from functools import partial

import trio

from node.api.items import PROGRESS_S
from node.api.parameters import path_of, words_of
from node.control.server import Call
from node.errors import IntegrityError, NoPeersError, NotFoundError, ShoalError, StorageError, UsageError
from node.net.addresses import parse, split_peer_id
from node.services.choosing import Choosing
from node.services.library import Library
from node.services.named_peers import NamedPeer, NamedPeers
from node.services.running import Active
from node.services.snapshots import Snapshots
from node.services.threads import in_thread
from node.status import TransferState, to_json
from node.store.errors import shown
from node.store.items import Item
from node.store.resolving import resolve
from protocols.cid import Cid
from protocols.link import SCHEME, Link, LinkError, could_be_cid_prefix, parse_target

PATIENCE_S = 30.0
"""How long `get` waits without any peer before it says so; three lookups' worth. The download itself goes on trying."""

BLOCKED_S = 2.0
"""How long a full disk may last before `get` says so: room is often made at once."""


class GetApi:
    """The handler, bound to the running node; `search` has it under its name, to say first what a number means."""

    def __init__(self, library: Library, choosing: Choosing, snapshots: Snapshots, named_peers: NamedPeers) -> None:
        self._library = library
        self._choosing = choosing
        self._snapshots = snapshots
        self._named_peers = named_peers

    async def get(self, call: Call) -> object:
        """Download; with `wait` the answer comes when it is complete, and progress before that."""
        target = call.param("target", str)
        link = await self._link(target)
        hints = tuple(self._hint(peer) for peer in link.peers)
        chosen = await self._chosen(call.param("from", str, default=""), link.cid)
        item = await self._library.get(
            link,
            path_of(call, "directory"),
            hints,
            chosen,
            is_elsewhere_wrong=call.param("elsewhere_is_wrong", bool, default=False),
            prepare=partial(self._choose, words_of(call, "only"), call.param("sequential", bool, default=False)),
        )
        if call.param("wait", bool, default=True):
            await self._follow(call, item)
        return to_json(self._snapshots.item(await self._fresh(item)))

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
                if target.isdecimal():
                    raise NotFoundError(_no_such_number(target)) from error
                if could_be_cid_prefix(target):
                    raise
                is_link = target.strip()[: len(SCHEME)].lower() == SCHEME
                said = str(error) if is_link else f"{shown(target)!r} is no CID, link, number or name here: {error}"
                raise UsageError(said) from error
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
        """Report progress until the file is here; raises its error, why nothing moves, or what somebody did to it."""
        active = self._library.active.get(item.cid)
        while active:
            item = await self._watch(call, item, active)
            if active.error:
                raise active.error
            if active.task.is_resting and not active.ended.is_set():
                return
            # A command of another terminal may have ended it, and has the last word: `share` of the same, `verify`.
            await self._library.settled(item.cid)
            active = self._library.active.get(item.cid)
        await self._library.settled(item.cid)
        found = await in_thread(self._library.catalogue.find, item.cid)
        if found is None or not found.is_complete or found.state is TransferState.ERROR:
            raise ShoalError(_why_ended(item, found))

    async def _watch(self, call: Call, item: Item, active: Active) -> Item:
        """Report progress until a task has ended or has all that is wanted: the item then. Raises why nothing moves."""
        quiet_since = trio.current_time()
        timeout_s = call.param("patience_s", float, PATIENCE_S)
        while not active.ended.is_set() and not active.task.is_resting:
            found: Item | None = await in_thread(self._library.catalogue.find, item.cid)
            item = found or item  # which may have been cancelled just now
            await call.progress(to_json(self._snapshots.item(item)))
            now = trio.current_time()
            if not active.task.stall_reason():
                quiet_since = now
            if active.task.blocked and now - quiet_since >= BLOCKED_S:
                raise StorageError(f"{active.task.blocked}; the download waits and goes on when there is room")
            if timeout_s and now - quiet_since >= timeout_s:
                raise _why_stalled(active)
            with trio.move_on_after(PROGRESS_S):
                await active.ended.wait()
        return item


def _no_such_number(number: str) -> str:
    return f"there is no hit {number} of a search and no row {number}; `search` finds hits, `list` shows the rows"


def _why_ended(item: Item, found: Item | None) -> str:
    """What became of a download that runs no more and isn't complete; `found` is its row, if it has one still."""
    name = f"#{item.number} {shown((found or item).name or str(item.cid))}"
    if found is None:
        return f"{name} was cancelled"
    if found.state is TransferState.PAUSED:
        return f"{name} was paused; go on with: shoal resume {found.number}"
    return f"{name}: {found.reason}" if found.reason else f"{name} goes on when the node starts again"


def _why_stalled(active: Active) -> ShoalError:
    reason = active.task.stall_reason().removesuffix(".")  # a sentence of a lower layer, which goes on here
    if active.task.candidates.banned and active.task.is_alone:
        return IntegrityError(f"{reason}; the download goes on when a good peer appears")
    return NoPeersError(f"{reason}; the node goes on looking")
