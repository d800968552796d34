"""The screen of banned peers. Pure; `now` is an argument."""

from __future__ import annotations

from collections.abc import Sequence

from node.status import BanStatus
from node.ui.layout import Column, Table
from node.ui.units import duration


def banned_peers(bans: Sequence[BanStatus], now: float) -> Table:
    """`ban`: whom this node has nothing to do with, or not about some files."""
    hint = "Type 'unban <peer>' to let one come back." if bans else "Type 'ban <peer>' to have nothing to do with one."
    return Table(
        title="Banned Peers",
        columns=(
            Column("#", 4),
            Column("Peer ID", 54, flexible=True),
            Column("Since", 12),
            Column("Why", 28),
            Column("Address"),
            Column("Client", piped=True),
        ),
        rows=tuple(
            (
                str(number),
                ban.peer_id,
                f"{duration(now - ban.banned_at)} ago",
                ban.reason or "by hand",
                ban.multiaddr or "-",
                ban.agent or "-",
            )
            for number, ban in enumerate(bans, start=1)
        ),
        footer=(f"Total Peers: {len(bans)}", hint),
    )
