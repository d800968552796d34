"""The screens: snapshots of `node.status` in, tables and cards out. Pure; `now` is an argument.

Rules: titles, headings, labels and hints are the words of the user's notes. What a person needs beyond them (the
CID, the link, why something waits) stands on a card of its own under the user's screen, or in a column for pipes.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.status import DetailStatus, ItemStatus, NodeStatus, PeerStatus, ProvideStatus, TransferState
from node.ui.layout import Card, Column, Table
from node.ui.units import count, duration, eta, limit, percent, rate, size

CHUNK_CELLS = 16
"""Cells of the chunk map in the user's File Details; what to ask `info` for."""

BAR_CELLS = 11
"""Cells of the bar in the user's Downloading screen."""

LAPSING_S = 42 * 3600.0
"""A provider record of this age, that others keep for 48 h, is about to lapse: it should have been renewed at 22 h."""

FILES_LISTED = 20
"""Files of a folder that its details list on a terminal; a pipe gets all that the node tells."""

_UNDER_WAY = frozenset(
    {TransferState.DOWNLOADING, TransferState.PAUSED, TransferState.STALLED, TransferState.VERIFYING}
)
_CHUNK_GLYPHS = str.maketrans({"#": "✓", "v": "↓", ".": "·", **dict.fromkeys("123456789", "·")})


def available_files(items: Sequence[ItemStatus]) -> Table:
    """`list`: what this node has and fetches."""
    hint = "Type 'info <#>' for more details." if items else "Type 'share <path>' to add a file or folder."
    return Table(
        title="Available Files",
        columns=(
            Column("#", 4),
            Column("File Name", 24, flexible=True),
            Column("Size", 11),
            Column("Status", 9),
            Column("CID", piped=True),
        ),
        rows=tuple((str(item.number), item.name, size(item.size), state_words(item), item.cid) for item in items),
        footer=(f"Total Files: {len(items)}", hint),
    )


def file_details(detail: DetailStatus) -> Card:
    """`info`: the user's File Details."""
    item = detail.item
    all_here = downloaded(item) == 100
    return Card(
        title=f"File Details - {item.name}",
        fields=(
            ("Size", size(item.size)),
            ("Status", state_words(item, with_percent=False)),
            ("Downloaded", f"{downloaded(item)}%"),
            ("Total Chunks", str(item.chunks)),
            (
                "Chunks Available",
                f"[{detail.cells.translate(_CHUNK_GLYPHS)}] ({'All' if all_here else item.chunks_have})",
            ),
            ("Upload Speed", rate(item.up_bps)),
            ("Download Speed", rate(item.down_bps) if item.state in _UNDER_WAY else "N/A"),
            ("Peers Sharing", str(item.peers_known)),
        ),
        label_width=17,
        footer=("Commands: ", "- 'peers <#>'  View who is sharing this file", *_commands(item)),
    )


def more_details(detail: DetailStatus, now: float, *, files_listed: int | None = FILES_LISTED) -> Card:
    """What `info` says under the user's screen: names to copy, digests to compare, how the share is provided."""
    item = detail.item
    shown = detail.file_list[:files_listed]
    fields = [
        ("CID", item.cid),
        ("Link", item.link),
        ("Path", item.path),
        ("Exact Size", f"{item.size:,} bytes in {count(item.files, 'file')}"),
        ("Chunk Size", f"{detail.chunk_size:,} bytes"),
        ("Sent, Received", f"{size(item.sent)}, {size(item.received)}"),
        ("Provided", _provided(item.provided, now)),
    ]
    if item.chunks_have < item.chunks:
        missing = item.chunks - item.chunks_have - detail.chunks_in_flight
        chunks = (
            f"{item.chunks_have} have, {detail.chunks_in_flight} in flight, {missing} missing, {detail.chunks_bad} bad"
        )
        fields.append(("Chunks", chunks))
    fields += _limits(item)
    if item.sequential:
        fields.append(("Order", "from the beginning to the end"))
    if item.skipped_files:
        fields.append(("Skipped", f"{count(item.skipped_files, 'file')}, {size(item.skipped_bytes)} not fetched"))
    fields += [("Priority", f"{file.priority}  {file.path}") for file in shown if file.priority != "normal"]
    fields += [("SHA-256", f"{file.sha256}  {file.path}") for file in shown]  # as sha256sum writes it
    if item.files > len(shown):
        fields.append(("More Files", str(item.files - len(shown))))
    return Card(title="", fields=tuple(fields), label_width=17)


def file_priorities(detail: DetailStatus) -> Table:
    """`priority <#>`: how much each file of a download is wanted."""
    return Table(
        title=f"File Priorities - {detail.item.name}",
        columns=(Column("Priority", 10), Column("File Name", 22, flexible=True), Column("Size", 10), Column("Here", 6)),
        rows=tuple(
            (file.priority, file.path, size(file.size), f"{percent(file.bytes_have, file.size)}%")
            for file in detail.file_list
        ),
        footer=("Type 'priority <#> high|normal|low|skip <file>' to change it.",),
    )


def peers_sharing(name: str, peers: Sequence[PeerStatus]) -> Table:
    """`peers <#>`: who shares one file."""
    return Table(
        title=f"Peers Sharing - {name}",
        columns=(
            Column("#", 4),
            Column("Peer IP", 19, flexible=True),
            Column("Chunks", 8),
            Column("Speed", 9),
            *_PIPED_PEER,
        ),
        rows=tuple(
            (str(peer.number), peer.address, f"{percent(peer.chunks_have, peer.chunks)}%", _speed(peer), *_piped(peer))
            for peer in peers
        ),
        footer=("Type 'download <#> from <peer IP>' to fetch from a specific peer.",),
    )


def connections(peers: Sequence[PeerStatus]) -> Table:
    """`peers`: everybody that this node is connected to."""
    return Table(
        title="Connections",
        columns=(
            Column("#", 4),
            Column("Peer IP", 19, flexible=True),
            Column("Way", 8),
            Column("Speed", 9),
            *_PIPED_PEER,
        ),
        rows=tuple((str(peer.number), peer.address, peer.direction, _speed(peer), *_piped(peer)) for peer in peers),
        footer=(f"Total Peers: {len(peers)}", "Type 'peers <#>' to see who is sharing a file."),
    )


def downloading(item: ItemStatus) -> Card:
    """`download <#>`: the user's progress screen of one download."""
    done = downloaded(item)
    fields = [
        ("Progress", f"[{bar(done, BAR_CELLS)}] {done:3}% ({size(item.bytes_have)} / {size(item.wanted_bytes)})"),
        ("Speed", rate(item.down_bps)),
        ("Peers", count(item.peers_connected, "source")),
        ("ETA", eta(item.eta_s)),
    ]
    if item.state is not TransferState.DOWNLOADING:
        fields.append(("Status", state_words(item, with_percent=False)))
    return Card(
        title=f"Downloading: {item.name}",
        fields=tuple(fields),
        label_width=11,
        footer=("Commands: ", "- 'pause'    Pause download", "- 'cancel'   Cancel download"),
    )


def uploading(items: Sequence[ItemStatus]) -> Table:
    """`uploads`: what this node seeds."""
    return Table(
        title="Uploading / Seeding",
        columns=(
            Column("#", 4),
            Column("File Name", 22, flexible=True),
            Column("Speed", 10, heading_width=8),
            Column("Peers", 7),
            Column("Sent", piped=True),
            Column("CID", piped=True),
        ),
        rows=tuple(
            (str(item.number), item.name, rate(item.up_bps), str(item.peers_connected), size(item.sent), item.cid)
            for item in items
            if is_uploaded(item)
        ),
        footer=("Type 'stop <#>' to stop seeding a file.",),
    )


def node_status(node: NodeStatus) -> Card:
    """`status`: the node itself."""
    listening = [("Listening", address) for address in node.addresses] or [("Listening", "nowhere")]
    return Card(
        title="Node Status",
        fields=(
            ("Version", node.version),
            ("Peer ID", node.peer_id),
            *listening,
            ("Network", node.network),
            ("Data Folder", node.home),
            ("Uptime", duration(node.uptime_s)),
            ("Connections", str(node.connections)),
            ("Routing Table", count(node.routing_table, "peer")),
            ("Records Held", str(node.records_held)),
            ("Catalogues", f"{node.catalogues} of others, {node.catalogue_entries:,} entries"),
            ("Shares", str(node.shares)),
            *_self_check(node),
            ("Downloads", str(node.downloads)),
            ("Upload Speed", rate(node.up_bps)),
            ("Download Speed", rate(node.down_bps)),
            *_limits(node),
            ("Sent, Received", f"{size(node.sent)}, {size(node.received)}"),
            ("Memory", size(node.rss_bytes)),
        ),
        label_width=17,
    )


def _self_check(node: NodeStatus) -> list[tuple[str, str]]:
    found = f"{node.checked_found} of {count(node.checked, 'share')} checked can be found"
    return [("Self-check", found)] if node.checked else []


def state_words(item: ItemStatus, *, with_percent: bool = True) -> str:
    """The state, how far it is and why it doesn't go on: `Stalled 45% (no peers connected)`."""
    words = str(item.state)
    if with_percent and item.state in _UNDER_WAY:
        words += f" {downloaded(item)}%"
    return f"{words} ({item.reason})" if item.reason else words


def is_uploaded(item: ItemStatus) -> bool:
    """Whether the item belongs to Uploading / Seeding: a download that gives its chunks on does too."""
    return item.state is TransferState.SEEDING or item.up_bps >= 0.5


def downloaded(item: ItemStatus) -> int:
    """Percent of the wanted bytes that are here; 100 only when every chunk is, and the manifest that names them."""
    if item.size == 0 and item.state in _UNDER_WAY:
        return 0
    done = percent(item.bytes_have, item.wanted_bytes)
    is_all = item.chunks_have == item.chunks or (item.skipped_files and item.bytes_have >= item.wanted_bytes)
    return done if is_all else min(done, 99)


def ratio(item: ItemStatus) -> str:
    """What was sent of an item against its size: `0.31`."""
    return f"{item.sent / item.size:.2f}"[:5] if item.size else "-"


def bar(done: int, width: int) -> str:
    """A bar for `done` percent: `#####------`; full only at 100."""
    filled = width if done >= 100 else min(round(done * width / 100), width - 1)
    return "#" * filled + "-" * (width - filled)


_PIPED_PEER = (
    Column("Down", piped=True),
    Column("Up", piped=True),
    Column("Flags", piped=True),
    Column("Peer ID", piped=True),
    Column("Multiaddr", piped=True),
    Column("Client", piped=True),
)


def _piped(peer: PeerStatus) -> tuple[str, ...]:
    return (rate(peer.down_bps), rate(peer.up_bps), peer.flags or "-", peer.peer_id, peer.multiaddr, peer.agent or "-")


def _speed(peer: PeerStatus) -> str:
    """What comes from the peer or, for one that only fetches from us, what goes to it."""
    return rate(peer.down_bps if peer.down_bps >= 0.5 else peer.up_bps)


def _limits(status: ItemStatus | NodeStatus) -> list[tuple[str, str]]:
    """The bandwidth limits, where there is one."""
    if status.up_limit_bps is None and status.down_limit_bps is None:
        return []
    return [("Limits", f"up {limit(status.up_limit_bps)}, down {limit(status.down_limit_bps)}")]


def _commands(item: ItemStatus) -> tuple[str, ...]:
    match item.state:
        case TransferState.PAUSED | TransferState.ERROR:
            return ("- 'resume <#>' Resume download", "- 'stop <#>'   Stop and forget it")
        case state if state in _UNDER_WAY:
            return ("- 'pause <#>'  Pause download", "- 'stop <#>'   Stop and forget it")
        case _:
            return ("- 'stop <#>'   Stop seeding",)


def _provided(provided: ProvideStatus | None, now: float) -> str:
    if provided is None:
        return "no"
    if provided.at is None:
        return "not yet"
    words = f"by {provided.stored} of the {provided.closest} closest nodes, {duration(now - provided.at)} ago"
    if now > provided.at + LAPSING_S:
        words += ", overdue: nobody finds it once they forget it, 48 h after that"
    return words if provided.due is None else f"{words}; again in {duration(provided.due - now)}"
