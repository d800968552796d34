"""Snapshots as the user's example screens have them, and golden files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.status import (
    DetailStatus,
    FileStatus,
    ItemStatus,
    NodeStatus,
    PeerStatus,
    ProvideStatus,
    TransferState,
)

GOLDENS = Path(__file__).parent / "goldens"

GB, MB, KB = 10**9, 10**6, 10**3
NOW = 1_740_000_000.0

UBUNTU = ItemStatus(
    number=1,
    cid="bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
    name="ubuntu.iso",
    size=2_500 * MB,
    files=1,
    state=TransferState.SEEDING,
    reason="",
    path="/srv/iso/ubuntu.iso",
    chunks=256,
    chunks_have=256,
    bytes_have=2_500 * MB,
    down_bps=0.0,
    up_bps=1.2 * MB,
    eta_s=None,
    peers_connected=5,
    peers_known=12,
    received=0,
    sent=12_400 * MB,
    added_at=NOW - 90_000,
    link="shoal:bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy?name=ubuntu.iso&size=2500000000",
    provided=ProvideStatus(closest=20, stored=18, at=NOW - 7_200, due=NOW + 72_000),
)
MOVIE = replace(UBUNTU, number=2, name="movie.mp4", size=700 * MB, up_bps=900 * KB, peers_connected=3)
EBOOK = replace(UBUNTU, number=3, name="ebook.pdf", size=5 * MB, state=TransferState.COMPLETE, up_bps=0.0)
FETCHED = replace(
    UBUNTU,
    state=TransferState.DOWNLOADING,
    chunks_have=115,
    bytes_have=1_125 * MB,
    down_bps=2.5 * MB,
    up_bps=300 * KB,
    eta_s=900.0,
    provided=None,
)
PEERS = tuple(
    PeerStatus(
        number=number,
        peer_id=f"12D3KooWQ3ow{number}",
        address=address,
        multiaddr=f"/ip4/{address}/tcp/4001",
        chunks=100,
        chunks_have=have,
        down_bps=speed,
        up_bps=0.0,
        received=number * MB,
        sent=0,
        direction="in" if number % 2 else "out",
        flags="D",
    )
    for number, address, have, speed in (
        (1, "192.168.1.10", 90, 2.3 * MB),
        (2, "192.168.1.15", 100, 1.5 * MB),
        (3, "192.168.1.20", 75, 1.2 * MB),
        (4, "192.168.1.25", 30, 500 * KB),
    )
)
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DETAIL = DetailStatus(
    item=UBUNTU,
    chunk_size=1 << 20,
    chunks_in_flight=0,
    chunks_bad=0,
    cells="#" * 16,
    file_list=(FileStatus("ubuntu.iso", 2_500 * MB, SHA256, 2_500 * MB),),
    peers=PEERS,
)
NODE = NodeStatus(
    version="0.1.0",
    peer_id="12D3KooWQ3ow1",
    addresses=("/ip4/192.168.1.5/tcp/4001/p2p/12D3KooWQ3ow1", "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWQ3ow1"),
    network="/shoal",
    home="/home/ann/.local/share/shoal",
    uptime_s=273_600.0,
    connections=23,
    routing_table=37,
    records_held=118,
    shares=3,
    downloads=1,
    down_bps=2.5 * MB,
    up_bps=3.3 * MB,
    received=123_456_789,
    sent=13_700 * MB,
    rss_bytes=92_345_678,
)


@pytest.fixture(scope="session")
def items() -> list[ItemStatus]:
    """The three files of the user's first screen."""
    return [replace(UBUNTU, state=TransferState.COMPLETE), MOVIE, EBOOK]


@pytest.fixture(scope="session")
def fetched() -> ItemStatus:
    """The download of the user's progress screen."""
    return FETCHED


@pytest.fixture(scope="session")
def peers() -> tuple[PeerStatus, ...]:
    """The peers of the user's peer list."""
    return PEERS


@pytest.fixture(scope="session")
def detail() -> DetailStatus:
    """The file of the user's details."""
    return DETAIL


@pytest.fixture(scope="session")
def node() -> NodeStatus:
    return NODE


@pytest.fixture(scope="session")
def now() -> float:
    """When the snapshots were taken, in unix time."""
    return NOW


@pytest.fixture
def golden() -> Callable[[str, list[str]], None]:
    """Compare lines with the file `goldens/<name>.txt`; UPDATE=1 rewrites it, but never one of the user's own."""

    def check(name: str, lines: list[str]) -> None:
        path = GOLDENS / f"{name}.txt"
        text = "".join(f"{line}\n" for line in lines)
        if os.environ.get("UPDATE") and not name.startswith("user-"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8")

    return check
