"""Peer exchange between Python and Go: whoever is in the same swarm is told of the others, without any DHT."""

from __future__ import annotations

import pytest
from peers import Peer
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

CHUNK = "262144"
SIZE = 24 << 20
PACE = ("--pace", "300ms")
"""Before each of 96 chunks: two others meet while the first is at it."""


@pytest.fixture
def seeder(here: Processes) -> Peer:
    """A slow seeder, which only one of two leechers is told of."""
    return here.go("seed", here.file(SIZE), "--chunk", CHUNK, *PACE)


def link(seeder: Peer, address: str) -> str:
    """A link that names one peer."""
    return f"shoal:{seeder.ready['cid']}?peer={address}"


def received(node: Daemon, cid: str, peer: str) -> int:
    """What a shoal node has had of a peer."""
    return sum(row["received"] for row in node.ask("info", cid)["peers"] if row["peer_id"] == peer)


def test_py_tells_go_of_another(here, seeder):
    """Nobody else could have told it."""
    node = here.shoal("leecher")
    node.ask("get", link(seeder, seeder.address), "-o", here.new_folder(), "--detach")
    await_that(lambda: received(node, seeder.ready["cid"], seeder.id), "the shoal node fetches")
    go = here.go("fetch", link(seeder, node.address), "--output", here.new_folder(), "--stay")
    assert seeder.id in go.await_event("peers")["peers"]
    await_that(lambda: len(seeder.all("hello")) == 2, "the Go leecher turns to whom it was told of")


def test_go_tells_py_of_another(here, seeder):
    go = here.go("fetch", link(seeder, seeder.address), "--output", here.new_folder(), "--stay", *PACE)
    go.await_event("hello")
    node = here.shoal("leecher")
    node.ask("get", link(seeder, go.address), "-o", here.new_folder(), "--detach")
    assert go.await_event("told")["peers"] == 1
    await_that(
        lambda: received(node, seeder.ready["cid"], seeder.id), "the shoal node fetches from whom it was told of"
    )
