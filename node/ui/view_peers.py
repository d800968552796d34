"""Peers: who shares one file, or every connection of the node. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from node.status import PeerStatus
from node.ui.areas import areas
from node.ui.frame import Line, Span, blank, fill, fit, ruled
from node.ui.graphs import bar
from node.ui.grid import Field, choose, heading, row
from node.ui.hit_rows import hit_of
from node.ui.kept import kept
from node.ui.model import Model, Sort, item_of
from node.ui.rows import ids, index_of, peers, window
from node.ui.units import count, milliseconds, percent, rate_fixed, size_fixed
from node.ui.view_chrome import sentence

FLAGS = " flags: D we download  U we upload  I interested  C choked  ! sent bad chunk"
BANS = "  B banned  b banned for this file"
"""What is choked serves us nothing for now: it is busy, or owes us what we asked for. Bans are explained where some
peer is banned, or there is room for all."""

_VIA = {"p2p-circuit": "relay", "quic-v1": "quic", "quic": "quic", "wss": "ws", "ws": "ws", "tcp": "tcp"}


def _chunks(peer: PeerStatus) -> Span:
    if not peer.chunks:
        return "-", "dim"
    has = percent(peer.chunks_have, peer.chunks)
    return f"{bar(has, 6)} {has:3}%", "ok" if has == 100 else "text"


def _flags(peer: PeerStatus) -> Span:
    return peer.flags or "-", "error" if "!" in peer.flags else "warn" if "b" in peer.flags.casefold() else "text"


def _via(peer: PeerStatus) -> str:
    """How the peer is reached, as its multiaddr says."""
    parts = peer.multiaddr.split("/")
    return next((words for part, words in _VIA.items() if part in parts), "-")


def _rtt(peer: PeerStatus) -> str:
    return "-" if peer.rtt_s is None else milliseconds(peer.rtt_s)


FIELDS: tuple[Field[PeerStatus], ...] = (
    Field("number", "#", 3, lambda peer: (str(peer.number), "text"), is_right=True),
    Field("address", "PEER IP", 15, lambda peer: (peer.address, "text"), is_flexible=True),
    Field("chunks", "CHUNKS", 11, _chunks, rank=1),
    Field("speed", "SPEED", 9, lambda peer: (rate_fixed(peer.down_bps), "down"), rank=2, is_right=True, is_amount=True),
    Field("up", "UP", 9, lambda peer: (rate_fixed(peer.up_bps), "up"), rank=5, is_right=True, is_amount=True),
    Field("flags", "FLAGS", 5, _flags, rank=4),
    Field("rtt", "RTT", 6, lambda peer: (_rtt(peer), "text"), rank=3, is_right=True),
    Field("id", "PEER ID", 12, lambda peer: (f"{peer.peer_id[:7]}…{peer.peer_id[-4:]}", "dim"), rank=6),
    Field("via", "VIA", 5, lambda peer: (_via(peer), "text"), rank=7),
    Field("client", "CLIENT", 16, lambda peer: (peer.agent or "-", "text"), rank=8),
    Field("way", "WAY", 3, lambda peer: (peer.direction or "-", "text"), rank=9),
    Field("received", "RECEIVED", 8, lambda peer: (size_fixed(peer.received), "down"), rank=10, is_right=True),
    Field("sent", "SENT", 8, lambda peer: (size_fixed(peer.sent), "up"), rank=11, is_right=True),
    Field("multiaddr", "MULTIADDR", 40, lambda peer: (peer.multiaddr, "dim"), rank=12),
)


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    item = item_of(model, model.peers_of)
    is_known = model.shown.peers is not None and model.shown.peers_of == model.peers_of
    rows = peers(model)
    title = f"Peers Sharing - {item.name}  ({item.peers_known} known, {item.peers_connected} connected)" if item else ""
    if not item and (hit := hit_of(model, model.peers_of)):
        title = f"Peers Sharing - {hit.name}  ({hit.claimed} known, {hit.verified} proved it)"
    shown = [ruled(title or f"Connections  ({count(len(rows), 'peer')})", width)]
    if not is_known:
        return fill([*shown, blank(width), sentence("asking the node …", width, "dim")], width, height)
    index = index_of(model, ids(model))
    shown += peer_table(rows, index, width, areas(model).rows + 1, model.peer_sort)
    if not rows:
        shown += [sentence("Nobody yet.", width)]
    return [*fill(shown, width, height - 1), _legend(rows, width)] if height > 1 else fill(shown, width, height)


def _legend(rows: Sequence[PeerStatus], width: int) -> Line:
    """What the flags mean, of bans first where there is no room for all and some peer is banned."""
    if len(FLAGS) + len(BANS) > width and any("b" in peer.flags.casefold() for peer in rows):
        return fit([(f" flags: {BANS.strip()}  ! sent bad chunk  C choked", "dim")], width)
    return fit([(FLAGS + BANS if len(FLAGS) + len(BANS) <= width else FLAGS, "dim")], width)


@kept
def peer_table(rows: Sequence[PeerStatus], index: int, width: int, height: int, sort: Sort | None) -> list[Line]:
    """The heading, which shows a sort, and as many rows as fit in `height` lines."""
    chosen = choose(FIELDS, width)
    seen = window(len(rows), max(index, 0), height - 1)
    drawn = (row(chosen, rows[at], width, is_selected=at == index) for at in seen)
    arrow = "▴" if sort and sort.is_reversed else "▾"
    return [heading(chosen, width, sort.key if sort else "", arrow), *drawn]
