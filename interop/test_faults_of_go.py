"""A Go peer breaks the rules: shoal says what happened, leaves or bans it, and goes on with others.

SPEC.md asks for BYE(protocol_error) with SHOULD: where a rule is broken before both have greeted, a reset is taken too.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from peers import Event, Peer
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

CHUNK = "65536"
SIZE = 2_000_000
"""31 small chunks: enough to break off in the middle."""

LOST = ""
"""Instead of a reason for BYE: there was none, and the stream is gone."""


@dataclass(frozen=True)
class Fault:
    """What shoal makes of a fault: the words it has for it, and what it tells the culprit."""

    words: str
    told: tuple[str, ...] = (LOST,)


FAULTS_OF_SEEDERS = {
    "wrong-data": Fault("wrong data", ("bad_data",)),
    "wrong-manifest": Fault("wrong data", ("bad_data",)),
    "unknown-type": Fault("unknown message of type 0x7f", ("protocol_error", LOST)),
    "two-hellos": Fault("HELLO is not legal", ("protocol_error", LOST)),
    "version-0": Fault("version 0", ("unsupported_version",)),
    "huge-length": Fault("banned", ("protocol_error",)),
    "unasked-data": Fault("banned", ("protocol_error",)),
    "truncated": Fault("hung up"),
    "resets": Fault("hung up"),
    "dies": Fault("none reachable"),
    "silent": Fault("said nothing", ("timeout", "protocol_error", LOST)),
    "no-data": Fault("none has sent anything", told=()),
}
HARMLESS = ("unknown-optional", "newer-version")
FAULTS_OF_LEECHERS = {
    "unknown-type": ("protocol_error", LOST),
    "two-hellos": ("protocol_error", LOST),
    "version-0": ("unsupported_version",),
    "huge-length": ("protocol_error",),
    "unasked-data": ("protocol_error",),
    "truncated": (LOST,),
    "resets": (LOST,),
}


@pytest.fixture(scope="module")
def node(lasting: Processes) -> Daemon:
    """A shoal node."""
    return lasting.shoal("node")


def link_to(peer: Peer) -> str:
    """A link to what a Go peer seeds."""
    return f"shoal:{peer.ready['cid']}?peer={peer.address}"


def told(peer: Peer) -> str:
    """What the other side told a peer at the end of its first conversation: BYE's reason, or LOST."""
    ended: Event = peer.await_event("ended")
    return str(ended["reason"]) if ended["by"] == "peer" else LOST


@pytest.mark.parametrize("mode", FAULTS_OF_SEEDERS)
def test_a_seeder_at_fault_is_named_and_another_one_finishes(here, node, mode):
    fault = FAULTS_OF_SEEDERS[mode]
    path = here.file(SIZE)
    bad = here.go("seed", path, "--chunk", CHUNK, "--misbehave", mode)
    target = here.new_folder()
    node.run("get", link_to(bad), "-o", target, "--detach")
    cid = bad.ready["cid"]
    await_that(lambda: fault.words in node.item(cid)["reason"], f"{node.item(cid)['reason']!r} says: {fault.words}")
    if mode == "dies":
        assert bad.finish() == 9
    elif fault.told:
        assert told(bad) in fault.told
    good = here.go("seed", path, "--chunk", CHUNK)
    item = node.ask("get", link_to(good), "-o", target, "--timeout", "60")
    assert (target / path.name).read_bytes() == path.read_bytes()
    assert item["chunks_have"] == item["chunks"]
    flags = {peer["peer_id"]: peer["flags"] for peer in node.ask("info", cid)["peers"]}
    assert ("!" in flags.get(bad.id, "")) == (fault.words == "wrong data")


@pytest.mark.parametrize("mode", HARMLESS)
def test_what_a_newer_node_may_say_is_no_fault(here, node, mode):
    path = here.file(SIZE)
    newer = here.go("seed", path, "--chunk", CHUNK, "--misbehave", mode)
    target = here.new_folder()
    node.ask("get", link_to(newer), "-o", target, "--timeout", "60")
    assert (target / path.name).read_bytes() == path.read_bytes()
    assert told(newer) == "finished"


@pytest.fixture(scope="module")
def shared(lasting: Processes, node: Daemon) -> tuple[str, bytes]:
    """A share of the shoal node: a link to it, and its content."""
    path = lasting.file(9 << 20)
    cid = node.ask("share", path)["item"]["cid"]
    return f"shoal:{cid}?peer={node.address}", path.read_bytes()


@pytest.mark.parametrize("mode", FAULTS_OF_LEECHERS)
def test_a_leecher_at_fault_loses_its_session_and_others_keep_theirs(here, node, shared, mode):
    link, content = shared
    honest = here.go("fetch", link, "--output", here.new_folder())
    bad = here.go("fetch", link, "--output", here.new_folder(), "--misbehave", mode)
    assert told(bad) in FAULTS_OF_LEECHERS[mode]
    with open(honest.result("fetched")["path"], "rb") as file:
        assert file.read() == content
    again = here.go("fetch", link, "--output", here.new_folder())
    with open(again.result("fetched")["path"], "rb") as file:
        assert file.read() == content


def test_a_leecher_that_dies_is_forgotten(here, node, shared):
    link, _ = shared
    bad = here.go("fetch", link, "--output", here.new_folder(), "--misbehave", "dies")
    assert bad.finish() == 9
    await_that(lambda: bad.id not in {row["peer_id"] for row in node.ask_all("peers")}, "its connection is gone")


def test_a_leecher_that_says_nothing_is_left(here, node, shared):
    link, _ = shared
    bad = here.go("fetch", link, "--output", here.new_folder(), "--misbehave", "silent", "--patience", "60s")
    assert told(bad) in ("timeout", LOST)


@pytest.mark.parametrize("mode", HARMLESS)
def test_a_newer_leecher_is_served(here, shared, mode):
    link, content = shared
    newer = here.go("fetch", link, "--output", here.new_folder(), "--misbehave", mode)
    with open(newer.result("fetched")["path"], "rb") as file:
        assert file.read() == content
