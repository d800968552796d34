"""Network: what the node is, what it does in the DHT, and its connections. Pure."""

from __future__ import annotations

from node.status import NetworkStatus, NodeStatus
from node.ui.frame import Line, blank, fill, fit, ruled
from node.ui.graphs import history, levels
from node.ui.model import Model
from node.ui.text import pad
from node.ui.units import count, duration, eta_fixed, milliseconds, size, size_fixed
from node.ui.view_chrome import sentence

LABEL = 15
GRAPH_CELLS = 20
BUCKETS = 256
"""Kademlia's: one for each count of leading bits that a peer's place may share with this node's."""

GRAPH_S = 60


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The screen's body."""
    node, network = model.shown.node, model.shown.network
    if node is None:
        return fill([blank(width), sentence("asking the node …", width, "dim")], width, height)
    shown = [ruled("Node", width), *_node(node, network, width)]
    if network is not None:
        shown += [ruled("DHT", width), *_dht(network, model.wall, width)]
        total = network.connections_in + network.connections_out
        ways = f"({network.connections_in} in, {network.connections_out} out)"
        title = f"Connections  {total} {ways}   limit {network.connection_limit}"
        shown += [ruled(title, width), *_traffic(model, node, network, width), *_protocols(network, width)]
    return fill(shown, width, height)


def _field(label: str, value: str, width: int) -> Line:
    return fit([(f" {pad(label, LABEL)}", "dim"), (value, "text")], width)


def _node(node: NodeStatus, network: NetworkStatus | None, width: int) -> list[Line]:
    addresses = [address.partition("/p2p/")[0] for address in node.addresses] or ["nowhere"]
    return [
        _field("Peer ID", node.peer_id, width),
        *(_field("" if number else "Listening", address, width) for number, address in enumerate(addresses[:4])),
        _field("Reachable", f"{_reachable(network)}   mDNS {'on' if node.mdns else 'off'}   relay off", width),
        _field(
            "Uptime", f"{duration(node.uptime_s)}   agent shoal/{node.version}   memory {size(node.rss_bytes)}", width
        ),
        _field(
            "Network", f"{node.network}   {count(node.shares, 'share')}, {count(node.downloads, 'download')}", width
        ),
        *_catalogues(node, width),
    ]


def _reachable(network: NetworkStatus | None) -> str:
    """Whether others get through to this node: known for sure only when somebody has."""
    if network is None or not network.connections_in:
        return "? unknown: nobody has connected to this node yet"
    return f"yes, {count(network.connections_in, 'connection')} came in"


def _catalogues(node: NodeStatus, width: int) -> list[Line]:
    """What is known of others' shares, once that is anything."""
    if not node.catalogues:
        return []
    entries = f"{node.catalogue_entries:,} {'entry' if node.catalogue_entries == 1 else 'entries'}"
    known = f"{entries} of {count(node.catalogues, 'other node')} known here"
    return [_field("Catalogues", known, width)]


def _dht(network: NetworkStatus, wall: float, width: int) -> list[Line]:
    fresh = f"{network.provides_fresh} of {count(network.provides, 'record')} fresh"
    provided = f"{fresh}, {network.provides_due} due, {network.provides_late} late"
    if network.next_provide_at is not None:
        provided += f"   next reprovide {eta_fixed(network.next_provide_at - wall)}"
    lapsing = f"   {network.provides_lapsing} about to lapse" if network.provides_lapsing else ""
    streams = f"{network.streams_in} in, {network.streams_out} out"
    return [
        *_table(network, wall, width),
        _field("Provides", provided + lapsing, width),
        *_words(network, wall, width),
        _field("Lookups", _lookups(network), width),
        _field("Queries", _queries(network), width),
        _field("For others", f"{count(network.records_held, 'record')} held   streams {streams}", width),
    ]


def _table(network: NetworkStatus, wall: float, width: int) -> list[Line]:
    used = sum(size > 0 for size in network.distances)
    mode = "yes" if network.is_client else "no"
    near_first = network.distances[::-1]
    at = network.refreshed_at
    refreshed = "not yet" if at is None else f"{duration(wall - at)} ago"
    known = f"{count(network.routing_table, 'peer')} in {used} of {BUCKETS} buckets   client mode: {mode}"
    return [
        _field("Routing table", known, width),
        _field("Buckets", f"{levels(near_first).replace(' ', '·')}   (near ◂ ▸ far)   last refresh {refreshed}", width),
    ]


def _lookups(network: NetworkStatus) -> str:
    words = f"{network.walks}"
    if network.walks:
        words += _times(network.median_walk_s, network.slow_walk_s)
    if network.network_size:
        words += f"   the network has about {count(network.network_size, 'server')}"
    return words


def _queries(network: NetworkStatus) -> str:
    words = f"{network.queries_running} running"
    if network.hour_queries > network.hour_failures:
        words += _times(network.median_query_s, network.slow_query_s)
    return f"{words}   failed {network.hour_failures} of {network.hour_queries} (last hour)"


def _times(median: float, slow: float) -> str:
    return f"   p50 {milliseconds(median)}   p95 {milliseconds(slow)}"


def _words(network: NetworkStatus, wall: float, width: int) -> list[Line]:
    """What of searching and of looking at oneself from outside there is to tell, if anything."""
    told = []
    if network.keywords:
        waiting = f", {network.keywords_waiting} more than fit" if network.keywords_waiting else ""
        told.append(_field("Keywords", f"{count(network.keywords, 'word')} provided{waiting}", width))
    if network.checked and network.checked_at is not None:
        ago = duration(wall - network.checked_at)
        found = f"{network.checked_found} of {count(network.checked, 'share')} found as a stranger would, {ago} ago"
        told.append(_field("Self-check", found, width))
    return told


def _protocols(network: NetworkStatus, width: int) -> list[Line]:
    return [
        fit(
            [
                (f" {pad('' if place else 'Protocols', LABEL)}", "dim"),
                (f"▼ {size_fixed(each.received):>7}  ", "down"),
                (f"▲ {size_fixed(each.sent):>7}  ", "up"),
                (each.protocol_id, "text"),
            ],
            width,
        )
        for place, each in enumerate(network.protocols)
    ]


def _traffic(model: Model, node: NodeStatus, network: NetworkStatus, width: int) -> list[Line]:
    now = f"▼ {size_fixed(network.received)}   ▲ {size_fixed(network.sent)} over these connections"
    ever = f"▼ {size_fixed(node.received)}   ▲ {size_fixed(node.sent)} of files since they were added"
    ways = [f"{each.name} {each.inbound} in, {each.outbound} out" for each in network.transports]
    if not any(each.name == "relayed" for each in network.transports):
        ways.append("relayed 0")
    if network.median_rtt_s is not None:
        ways.append(f"round trip {milliseconds(network.median_rtt_s)}")
    return [
        _field("Transports", "   ".join(ways) or "-", width),
        _field("Now", now, width),
        _field("Ever", ever, width),
        *_graphs(model, width),
    ]


def _graphs(model: Model, width: int) -> list[Line]:
    if model.is_a11y:
        return []
    down, up = (
        history(values, model.shown.ticks, GRAPH_S, GRAPH_CELLS, is_block=model.has_blocks)[0]
        for values in (model.shown.down, model.shown.up)
    )
    return [fit([(f" {pad(f'Files {GRAPH_S} s', LABEL)}", "dim"), (f"▼ {down}  ", "down"), (f"▲ {up}", "up")], width)]
