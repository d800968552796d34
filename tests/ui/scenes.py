"""Models as a person would see them, made by messages alone, and frames as text."""

from __future__ import annotations

from dataclasses import replace

from node.status import (
    DetailStatus,
    FileStatus,
    ItemStatus,
    NetworkStatus,
    NodeStatus,
    PeerStatus,
    ProtocolStatus,
    TransferState,
    TransportStatus,
)
from node.ui import messages as msg
from node.ui.frame import Frame
from node.ui.model import CommandWord, Model
from node.ui.update import update
from tests.searches import LINUX

NOW, WALL = 100.0, 1_740_000_000.0
GB, MB, KB = 10**9, 10**6, 10**3

COMMANDS = (
    CommandWord("get", "get CID|LINK|N", "download a file or folder", ("download",)),
    CommandWord("share", "share PATH…", "share files and folders"),
    CommandWord("shutdown", "shutdown", "stop the node"),
    CommandWord("pause", "pause [TARGET]", "pause a download"),
)


def an_item(number: int, name: str, state: TransferState, size: int, done: int, **changes: object) -> ItemStatus:
    chunks = 256
    item = ItemStatus(
        number=number,
        cid=f"bafyrei{number:04}{'x' * 40}{number:04}eef",
        name=name,
        size=size,
        files=1,
        state=state,
        reason="",
        path=f"/srv/{number}",
        chunks=chunks,
        chunks_have=chunks * done // 100,
        bytes_have=size * done // 100,
        down_bps=0.0,
        up_bps=0.0,
        eta_s=None,
        peers_connected=0,
        peers_known=number,
        received=size * done // 100,
        sent=size * number // 3,
        added_at=WALL - 90_000 * number,
        link=f"shoal:bafy{number}",
        provided=None,
    )
    return replace(item, **changes)


ITEMS = (
    an_item(
        1,
        "ubuntu.iso",
        TransferState.DOWNLOADING,
        2_500 * MB,
        45,
        down_bps=2.5 * MB,
        up_bps=3e5,
        eta_s=900.0,
        copies=3.4,
    ),
    an_item(2, "movie.mp4", TransferState.SEEDING, 700 * MB, 100, up_bps=9e5, peers_connected=3),
    an_item(3, "ebook.pdf", TransferState.COMPLETE, 5 * MB, 100),
    an_item(4, "映画 コレクション 2024.mkv", TransferState.PAUSED, 4_200 * MB, 7, priority="low"),
    an_item(
        5,
        "backup-2025-02.tar.zst",
        TransferState.STALLED,
        18 * GB,
        81,
        reason="2 peers, none has chunk 17",
        copies=0.93,
        priority="mixed",
    ),
    an_item(6, "linux-kernel.zip", TransferState.ERROR, 40 * MB, 33, reason="the disk is full"),
    an_item(7, "fotos-família.zip", TransferState.SEEDING, 910 * MB, 100, up_bps=2.1 * MB, peers_connected=6),
    an_item(8, "evil\x1b[2J\rname.exe", TransferState.VERIFYING, MB, 0),
)
PEERS = tuple(
    PeerStatus(
        n,
        f"12D3KooWpeer{n}",
        address,
        f"/ip4/{address}/tcp/4001",
        100,
        have,
        down,
        up,
        n * MB,
        n * KB,
        way,
        flags,
        rtt_s=None if n > 3 else n * 0.0084,
        agent="" if n == 5 else "shoal/0.1.0" if n % 2 else "evil\x1b[2J" * 9,
    )
    for n, address, have, down, up, way, flags in (
        (1, "192.168.1.10", 90, 2.3 * MB, 0.0, "out", "DI"),
        (2, "192.168.1.15", 100, 1.5 * MB, 0.0, "in", "D"),
        (3, "192.168.1.20", 75, 1.2 * MB, 3e5, "in", "DUI"),
        (4, "2001:db8::17", 12, 0.0, 0.0, "out", "C!"),
        (5, "192.168.1.66", 0, 0.0, 0.0, "", "B"),
    )
)
DETAIL = DetailStatus(
    item=ITEMS[0],
    chunk_size=1 << 20,
    chunks_in_flight=8,
    chunks_bad=1,
    cells="".join("#v13.#59"[(n * 7 + n // 9) % 8] for n in range(256)),
    file_list=(FileStatus("ubuntu.iso", 2_500 * MB, "e3b0c442" * 8, 1_125 * MB),),
    peers=PEERS,
    rarest=1,
    rarest_chunks=14,
    average_bps=2.31 * MB,
)
NODE = NodeStatus(
    "0.1.0", "12D3KooWme", ("/ip4/192.168.1.5/tcp/4001/p2p/12D3KooWme",), "/shoal/kad/1.0.0", "/home/ann/.shoal",
    273_600.0, 23, 37, 118, 3, 1, 2.5 * MB, 3.3 * MB, 123_456_789, 13_700 * MB, 92_345_678,
)  # fmt: skip
NETWORK = replace(
    NetworkStatus(37, (20, 9, 5, 3), 118, 3, 1, 0, WALL + 36_720, 118, 0.21, 940, 3, 4, 6, 12, 11, 5 * MB, 9 * MB),
    network_size=61,
    slow_walk_s=1.9,
    median_rtt_s=0.031,
    connection_limit=300,
    distances=(20, 9, 5, 0, 3),
    refreshed_at=WALL - 110,
    queries_running=2,
    hour_queries=118,
    hour_failures=3,
    median_query_s=0.21,
    slow_query_s=1.9,
    provides=3,
    provides_fresh=2,
    transports=(TransportStatus("tcp", 12, 11),),
    protocols=(
        ProtocolStatus("/shoal/exchange/1.0.0", 4_900_000, 8_800_000),
        ProtocolStatus("/shoal/kad/1.0.0", 81_000, 92_000),
    ),
)
LOG = (
    "2026-02-20 14:02:11,120 INFO    node.app: listening on /ip4/0.0.0.0/tcp/4001",
    "2026-02-20 14:02:12,001 DEBUG   node.net.kademlia: walked",
    "2026-02-20 14:05:52,310 WARNING node.services.downloading: ubuntu.iso #77: hash mismatch",
    "2026-02-20 14:06:30,007 ERROR   node.store.partial: no space left on device",
    "2026-02-20 14:06:31,007 ERROR   node.store.partial: no space left on device",
)
NEWS = msg.News(
    NOW,
    items=ITEMS,
    node=NODE,
    detail=DETAIL,
    peers=PEERS,
    peers_of=ITEMS[0].cid,
    network=NETWORK,
    log=LOG,
    search=LINUX,
)


def told(model: Model, *messages: msg.Msg) -> Model:
    """The model after the messages; their effects are dropped."""
    for message in messages:
        model, _ = update(model, message)
    return model


def pressed(model: Model, *keys: str) -> tuple[Model, list[msg.Effect]]:
    """The model after the keys, and everything they wanted done."""
    effects: list[msg.Effect] = []
    for key in keys:
        model, wanted = update(model, msg.Key(key))
        effects += wanted
    return model, effects


def typed(text: str) -> tuple[str, ...]:
    """The keys of a text."""
    return tuple("space" if character == " " else character for character in text)


def scene(width: int = 80, height: int = 24, *keys: str, news: msg.News = NEWS) -> Model:
    """A dashboard with eight files, online, after some keys."""
    start = Model(width, height, now=NOW, wall=WALL, commands=COMMANDS)
    model = told(start, msg.Online(), news, msg.Tick(NOW + 0.5, WALL))
    return pressed(model, *keys)[0]


def text_of(frame: Frame) -> list[str]:
    """The frame's lines as plain text, without blanks at their ends."""
    return ["".join(text for text, _ in line).rstrip() for line in frame.lines]
