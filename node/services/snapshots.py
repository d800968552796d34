"""Filling in `node.status`: what the catalogue, the sessions and the tasks know, as values for eyes.

Rules: reads, never changes; nothing here waits for the network. What takes a database read is a function for a
thread, what asks the running tasks is done on the loop.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import trio

from node.net.host import Host
from node.net.kademlia import Kademlia
from node.services.banning import Banning
from node.services.chunk_map import ChunkMap, copies_among, distributed_copies, rarest
from node.services.library import Library
from node.services.peer_rows import connection_rows, sharing_rows
from node.services.running import Active
from node.services.session import PeerSession
from node.services.swarms import Swarm
from node.services.threads import in_thread
from node.status import DetailStatus, FileStatus, ItemStatus, NodeStatus, PeerStatus, TransferState
from node.store.items import Item
from node.swarm.download import Download
from node.swarm.selection import Priority
from protocols.bitfield import Bitfield
from protocols.link import Link
from protocols.manifest import Manifest

FILES_SHOWN = 1000
"""Files listed by `info`: a longer list is a job for the manifest, and an answer stays well under its limit."""

LINK_ADDRESSES = 3
"""Addresses in a link: a LAN one, a public one and one more; the DHT knows the rest, and a link must fit in a chat."""

ROWS_AT_ONCE = 50
"""Rows that are filled in before others get the loop: each takes some forty microseconds."""


class Snapshots:
    """Answers what a screen or command asks about items and their peers."""

    def __init__(self, library: Library, host: Host, banning: Banning) -> None:
        self._library = library
        self._host = host
        self._banning = banning

    async def items(self) -> list[ItemStatus]:
        """Every row, by number."""
        found = []
        for place, row in enumerate(await in_thread(self._library.catalogue.items), start=1):
            found.append(self.item(row))
            if place % ROWS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        return found

    def item(self, row: Item) -> ItemStatus:
        """One row as it stands now."""
        active = self._library.active.get(row.cid)
        swarm = self._library.exchange.swarms.get(row.cid)
        now = trio.current_time()
        state, reason = _state(row, active)
        if row.cid in self._library.rechecking:
            state, reason = TransferState.VERIFYING, "touched since it was shared"
        machine = active.task.machine if active else None
        sessions = list(swarm.sessions.values()) if swarm else []
        unsaved_received, unsaved_sent = self._library.totals.unsaved(row.cid)
        return ItemStatus(
            number=row.number,
            cid=str(row.cid),
            name=row.name or str(row.cid),
            size=row.size,
            files=row.file_count,
            state=state,
            reason=reason,
            path=row.path or os.path.join(row.destination or "", row.output_name or row.name),
            chunks=row.chunk_count,
            chunks_have=row.chunks_have,
            bytes_have=row.bytes_have,
            down_bps=sum(session.down.bps(now) for session in sessions),
            up_bps=sum(session.up.bps(now) for session in sessions),
            eta_s=machine.eta_s(now) if machine and state is TransferState.DOWNLOADING else None,
            peers_connected=len(sessions),
            peers_known=_peers_known(swarm, active),
            received=row.received + unsaved_received,
            sent=row.sent + unsaved_sent,
            added_at=row.added_at,
            link=str(Link(row.cid, row.name or None, row.size if row.has_manifest else None, self._hints())),
            provided=self._library.providing.status(row.cid.multihash),
            up_limit_bps=row.up_limit_bps,
            down_limit_bps=row.down_limit_bps,
            sequential=row.is_sequential,
            skipped_files=row.skipped_files,
            skipped_bytes=_skipped_bytes(row, machine),
            priority=row.priority,
            copies=_copies(row, machine, sessions),
        )

    async def detail(self, row: Item, cells: int, *, with_files: bool = True) -> DetailStatus:
        """Everything about one item; the chunk map in at most `cells` cells.

        Without files the manifest isn't read, which can be megabytes: for who asks twice a second.
        """
        manifest = await in_thread(self._library.catalogue.manifest, row.cid) if with_files else None
        have = await self._have(row)
        priorities = await in_thread(self._library.catalogue.choices.priorities, row.cid) if with_files else {}
        active = self._library.active.get(row.cid)
        # A row that was read before the manifest came counts no chunks; its map is as it was then.
        machine = active.task.machine if active and row.chunk_count else None
        in_flight = frozenset(machine.in_flight) if machine else frozenset()
        planes = machine.picker.availability.planes() if machine else ()
        wide = (row.chunk_count + 7) // 8
        drawn = ChunkMap(
            row.chunk_count,
            have.to_bytes(),
            in_flight,
            frozenset(active.task.bad_now) if active else frozenset(),
            tuple(plane.to_bytes(wide, "big") for plane in planes),
        )
        fewest, those = rarest(drawn.missing, planes)
        return DetailStatus(
            item=self.item(row),
            chunk_size=row.chunk_size,
            chunks_in_flight=len(in_flight),
            chunks_bad=active.task.bad_chunks if active else 0,
            cells=await in_thread(drawn.cells, cells),
            file_list=_files(manifest, have, priorities) if manifest else (),
            peers=self.peers(row),
            rarest=fewest,
            rarest_chunks=those.bit_count(),
            average_bps=self._library.average_bps(row.cid),
        )

    def peers(self, row: Item) -> tuple[PeerStatus, ...]:
        """Who is in session about an item, then who was."""
        swarm = self._library.exchange.swarms.get(row.cid)
        if swarm is None:
            return ()
        active = self._library.active.get(row.cid)
        machine = active.task.machine if active else None
        live, now = self._host.connections(), trio.current_time()
        return sharing_rows(swarm, row.chunk_count, machine, live, self._banning.bans, now)

    def connections(self) -> list[PeerStatus]:
        """Every connection of the node, then who is banned."""
        return connection_rows(self._host.connections(), self._banning.bans)

    def _hints(self) -> tuple[str, ...]:
        return tuple(self._host.addresses()[:LINK_ADDRESSES])

    async def _have(self, row: Item) -> Bitfield:
        if row.is_complete and row.chunks_have == row.chunk_count:
            return Bitfield.full(row.chunk_count)
        active = self._library.active.get(row.cid)
        if active and active.task.machine:
            return active.task.machine.have
        held = await in_thread(self._library.catalogue.held, row.cid)
        return held.have


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What of a node doesn't change while it runs."""

    version: str
    network: str  # the Kademlia protocol id
    home: str
    started_at: float  # trio's clock
    mdns: bool = False


async def node_status(
    host: Host, dht: Kademlia, library: Library, records_held: int, catalogues: tuple[int, int], info: NodeInfo
) -> NodeStatus:
    """The node itself; `catalogues` are how many of others are known, and their entries."""
    shares, received, sent = await in_thread(library.catalogue.totals)
    now = trio.current_time()
    sessions = [session for swarm in library.exchange.swarms.values() for session in swarm.sessions.values()]
    unsaved = [library.totals.unsaved(cid) for cid in library.exchange.swarms]
    return NodeStatus(
        version=info.version,
        peer_id=host.peer_id,
        addresses=tuple(host.addresses()),
        network=info.network,
        home=info.home,
        uptime_s=now - info.started_at,
        connections=len(host.connections()),
        routing_table=dht.routing_table_size,
        records_held=records_held,
        shares=shares,
        downloads=len(library.active),
        down_bps=sum(session.down.bps(now) for session in sessions),
        up_bps=sum(session.up.bps(now) for session in sessions),
        received=received + sum(unsaved_received for unsaved_received, _ in unsaved),
        sent=sent + sum(unsaved_sent for _, unsaved_sent in unsaved),
        rss_bytes=rss_bytes(),
        catalogues=catalogues[0],
        catalogue_entries=catalogues[1],
        checked=library.providing.checked.shares,
        checked_found=library.providing.checked.found,
        mdns=info.mdns,
        up_limit_bps=library.exchange.limits.node.up.bps,
        down_limit_bps=library.exchange.limits.node.down.bps,
    )


def rss_bytes() -> int:
    """This process's resident memory."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # not Linux: the peak is the next best
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _peers_known(swarm: Swarm | None, active: Active | None) -> int:
    """How many peers `peers` lists, who are or were in session, and those who are known to a download besides."""
    met = swarm.sessions.keys() | swarm.ledger.keys() if swarm else set[str]()
    if active is None:
        return len(met)
    candidates = active.task.candidates
    return len(candidates) + sum(peer not in candidates for peer in met)


def _copies(row: Item, machine: Download | None, sessions: Sequence[PeerSession]) -> float | None:
    """How often the chunks are there among the connected peers; of a share, by what they have said to have."""
    if machine:
        return distributed_copies(row.chunk_count, machine.picker.availability.planes())
    return copies_among([session.remote_have for session in sessions if session.remote_have is not None])


def _skipped_bytes(row: Item, machine: Download | None) -> int:
    """What isn't here of the files that aren't wanted: chunks of them that were under way may still have come in."""
    if machine is None or not row.skipped_files:
        return row.skipped_bytes
    return max(0, row.size - row.bytes_have - machine.missing_bytes)


def _state(row: Item, active: Active | None) -> tuple[TransferState, str]:
    if active is None:
        return row.state, row.reason
    if active.task.is_resting:
        return TransferState.SEEDING, f"{row.file_count - row.skipped_files} of {row.file_count} files"
    if active.task.state is TransferState.VERIFYING and not active.task.blocked:
        return TransferState.VERIFYING, ""
    if reason := active.task.stall_reason():
        return TransferState.STALLED, reason
    return TransferState.DOWNLOADING, ""


def _files(manifest: Manifest, have: Bitfield, priorities: Mapping[int, Priority]) -> tuple[FileStatus, ...]:
    rows = []
    for index, entry in enumerate(manifest.files[:FILES_SHOWN]):
        chunks = manifest.geometry.file_chunks(index)
        got = sum(manifest.geometry.chunk_length(chunk) for chunk in chunks if have[chunk])
        priority = priorities.get(index, Priority.NORMAL).name.lower()
        rows.append(FileStatus("/".join(entry.path), entry.size, entry.sha256.hex(), got, priority))
    return tuple(rows)
