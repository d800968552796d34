"""js-libp2p, a second foreign stack: connect, identify, ping, bootstrap, provide and find with a shoal node."""

from __future__ import annotations

import hashlib
import re

import pytest
from processes import Processes
from waiting import await_that

from protocols.cid import Cid
from tests.daemons import Daemon

pytestmark = pytest.mark.usefixtures("js_packages")


@pytest.fixture(scope="module")
def node(lasting: Processes) -> Daemon:
    """A shoal node."""
    return lasting.shoal("node")


def key(text: str) -> str:
    """A DHT key: a multihash in hex."""
    return "1220" + hashlib.sha256(text.encode()).hexdigest()


def peer_id(node: Daemon) -> str:
    """A shoal node's peer id."""
    return str(node.ask("status")["peer_id"])


def test_js_identifies_py(here, node):
    said = here.js("identify", node.address).result("identified")
    assert said["peer"] == peer_id(node)
    assert re.fullmatch(r"shoal/\d+\.\d+\.\d+.*", said["agent"])
    assert {"/ipfs/id/1.0.0", "/ipfs/ping/1.0.0", "/shoal/exchange/1.0.0", "/shoal/kad/1.0.0"} <= set(said["protocols"])
    assert said["addresses"] == [node.address.split("/p2p/")[0]]
    assert (said["security"], said["muxer"]) == ("/noise", "/yamux/1.0.0")


def test_js_and_py_ping_each_other(here, node):
    for pinger in (here.js("ping", node.address), here.py("ping", here.js("serve").address)):
        assert pinger.finish() == 0, pinger.words()
        assert len(pinger.all("pong")) == 3


def test_py_bootstraps_by_js_and_identifies_it(here):
    """A shoal node takes a peer into its routing table because of what identify says."""
    newcomer = here.shoal("newcomer", here.js("serve").address)
    await_that(lambda: newcomer.ask("status")["routing_table"] == 1, "the js server is in the routing table")


def test_a_record_by_js_is_found_by_all_at_a_py_server(here, node):
    joined = ("--bootstrap", node.address)
    provider = here.js("provide", key("by js"), *joined)
    assert not provider.await_event("provided")["failures"]
    for finder in (here.py("find", key("by js"), *joined), here.go("find", key("by js"), *joined)):
        found = finder.result("found")["providers"]
        assert found[provider.id], f"{found} has the provider with an address"


@pytest.mark.parametrize("server", ["py", "js"])
@pytest.mark.parametrize("provider", ["py", "go"])
def test_js_finds_what_others_provide(here, node, server, provider):
    kept_by = node.address if server == "py" else here.js("serve").address
    joined, wanted = ("--bootstrap", kept_by), key(f"by {provider} at {server}")
    stay = ("--stay",) if provider == "go" else ()
    by = {"py": here.py, "go": here.go}[provider]("provide", wanted, *stay, *joined)
    by.await_event("provided")
    found = here.js("find", wanted, *joined).result("found")["providers"]
    assert [by.address.split("/p2p/")[0]] == [address.split("/p2p/")[0] for address in found[by.id]]
    assert list(found) == [by.id]


def test_js_finds_a_share_of_a_shoal_node(here, node):
    """By nothing but the multihash in the share's CID, over a server in between."""
    server = here.js("serve")
    sharer = here.shoal("sharer", server.address)
    await_that(lambda: sharer.ask("status")["routing_table"], "the js server is in the routing table")
    path = here.file(1000)
    cid = str(sharer.ask("share", path)["item"]["cid"])
    sharer.await_provided(cid)
    found = here.js("find", Cid.parse(cid).multihash.hex(), "--bootstrap", server.address).result("found")["providers"]
    assert found[peer_id(sharer)]
    assert node.ask("status")["peer_id"] not in found
