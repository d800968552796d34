"""Peers: who shares one file, or every connection of the node. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from node.status import PeerStatus
from node.ui.areas import areas
from node.ui.frame import Line, Span, blank, fill, fit, ruled
from node.ui.graphs import bar
from node.ui.grid import Field, choose, heading, row
from node.ui.kept import kept
from node.ui.model import Model, item_of
from node.ui.rows import ids, index_of, window
from node.ui.units import count, milliseconds, percent, rate_fixed, size_fixed
from node.ui.view_chrome import sentence

FLAGS = " flags: D we download  U we upload  ! sent bad chunks"


def _chunks(peer: PeerStatus) -> Span:
    if not peer.chunks:
        return "-", "dim"
    has = percent(peer.chunks_have, peer.chunks)
    return f"{bar(has, 6)} {has:3}%", "ok" if has == 100 else "text"


def _flags(peer: PeerStatus) -> Span:
    return peer.flags or "-", "error" if "!" in peer.flags else "text"


def _rtt(peer: PeerStatus) -> str:
    return "-" if peer.rtt_s is None else milliseconds(peer.rtt_s)


FIELDS: tuple[Field[PeerStatus], ...] = (
    Field("number", "#", 3, lambda peer: (str(peer.number), "text"), is_right=True),
    Field("address", "PEER IP", 15, lambda peer: (peer.address, "text"), is_flexible=True),
    Field("chunks", "CHUNKS", 11, _chunks, rank=1),
    Field("speed", "SPEED", 9, lambda peer: (rate_fixed(peer.down_bps), "down"), rank=2, is_right=True),
    Field("up", "UP", 9, lambda peer: (rate_fixed(peer.up_bps), "up"), rank=5, is_right=True),
    Field("flags", "FLAGS", 5, _flags, rank=3),
    Field("rtt", "RTT", 6, lambda peer: (_rtt(peer), "text"), rank=4, is_right=True),
    Field("way", "WAY", 3, lambda peer: (peer.direction, "text"), rank=7),
    Field("id", "PEER ID", 12, lambda peer: (f"{peer.peer_id[:7]}…{peer.peer_id[-4:]}", "dim"), rank=6),
    Field("received", "RECEIVED", 8, lambda peer: (size_fixed(peer.received), "down"), rank=8, is_right=True),
    Field("sent", "SENT", 8, lambda peer: (size_fixed(peer.sent), "up"), rank=9, is_right=True),
    Field("multiaddr", "MULTIADDR", 40, lambda peer: (peer.multiaddr, "dim"), rank=10),
)


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    item = item_of(model, model.peers_of)
    peers = model.shown.peers if model.shown.peers_of == model.peers_of else None
    title = f"Peers Sharing - {item.name}  ({item.peers_known} known, {item.peers_connected} connected)" if item else ""
    shown = [ruled(title or f"Connections  ({count(len(peers or ()), 'peer')})", width)]
    if peers is None:
        return fill([*shown, blank(width), sentence("asking the node …", width, "dim")], width, height)
    index = index_of(model, ids(model))
    shown += peer_table(peers, index, width, areas(model).rows + 1)
    if not peers:
        shown += [sentence("Nobody yet.", width)]
    return [*fill(shown, width, height - 1), fit([(FLAGS, "dim")], width)] if height > 1 else fill(shown, width, height)


@kept
def peer_table(peers: Sequence[PeerStatus], index: int, width: int, height: int) -> list[Line]:
    """The heading and as many rows as fit in `height` lines."""
    chosen = choose(FIELDS, width)
    seen = window(len(peers), max(index, 0), height - 1)
    return [heading(chosen, width), *(row(chosen, peers[at], width, is_selected=at == index) for at in seen)]
