"""What lies below the protocols: keys, dialling, security, identify and ping between Python and Go."""

from __future__ import annotations

import re

import pytest
from peers import Peer
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

PY_LIBP2P_KEY = bytes.fromhex("08011220") + bytes(range(32))
"""What py-libp2p itself writes: the seed without the public key. go-libp2p refuses it."""


@pytest.fixture(scope="module")
def node(lasting: Processes) -> Daemon:
    """A shoal node."""
    return lasting.shoal("node")


def peer_id(node: Daemon) -> str:
    """A shoal node's peer id."""
    return str(node.ask("status")["peer_id"])


def test_go_identifies_py(here, node):
    said = here.go("identify", node.address).result("identified")
    assert said["peer"] == peer_id(node)
    assert re.fullmatch(r"shoal/\d+\.\d+\.\d+.*", said["agent"])
    assert set(said["protocols"]) >= {
        "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0", "/shoal/exchange/1.0.0", "/shoal/kad/1.0.0",
    }  # fmt: skip
    assert said["addresses"] == [node.address.split("/p2p/")[0]]
    assert (said["security"], said["muxer"]) == ("/noise", "/yamux/1.0.0")


def test_py_identifies_go_and_knows_that_it_serves_the_dht(here, node):
    """Only identify says so: a DHT client is connected and never comes into the table."""
    before = node.ask("status")["routing_table"]
    server = here.go("serve")
    node.ask("connect", server.address)
    await_that(lambda: node.ask("status")["routing_table"] == before + 1, "the Go server is in the routing table")
    client = here.go("serve", "--client")
    node.ask("connect", client.address)
    here.go("identify", node.address).result("identified")  # as much time as identify takes
    assert node.ask("status")["routing_table"] == before + 1
    assert {server.id, client.id} <= {row["peer_id"] for row in node.ask_all("peers")}


def test_go_pings_py(here, node):
    pinger = here.go("ping", node.address, "--count", "5")
    assert pinger.finish() == 0, pinger.words()
    assert len(pinger.all("pong")) == 5


def test_py_pings_go(here):
    pinger = here.py("ping", here.go("serve").address)
    assert pinger.finish() == 0, pinger.words()
    assert len(pinger.all("pong")) == 3


def test_go_bootstraps_by_py(here, node):
    peer = here.go("serve", "--bootstrap", node.address)
    assert peer.await_event("joined")["table"] == 1


def test_py_bootstraps_by_go(here):
    server = here.go("serve")
    node = here.shoal("newcomer", server.address)
    await_that(lambda: node.ask("status")["routing_table"] == 1, "the Go server is in the routing table")


def test_a_key_of_py_is_read_by_go(here):
    node = here.shoal("keyed")
    (path,) = [
        file for file in node.home.iterdir() if file.is_file() and file.read_bytes()[:4] == bytes.fromhex("08011240")
    ]
    assert here.go("key", path).result("key") == {"event": "key", "peer": peer_id(node), "type": "Ed25519"}
    node.stop()
    assert here.go("serve", "--key", path).id == here.go("key", path).result("key")["peer"]


def test_a_key_of_go_is_read_by_py(here):
    path = here.new_folder() / "key"
    made = here.go("key", path).result("key")
    assert len(path.read_bytes()) == 68
    assert here.py("sink", "--key", path).id == made["peer"]


def test_a_key_of_py_libp2p_itself_is_read_by_py_only(here):
    path = here.new_folder() / "key"
    path.write_bytes(PY_LIBP2P_KEY)
    assert here.py("sink", "--key", path).id.startswith("12D3KooW")
    go = here.go("key", path)
    assert go.finish() == 1
    assert "expected ed25519 data size" in go.await_event("failed")["error"]


@pytest.mark.parametrize("offer", ["noise,tls", "tls,noise"])
def test_tls_beside_noise(here, node, offer):
    """Offered first or second, dialling or dialled: Noise is what both have."""
    assert here.go("identify", node.address, "--security", offer).result("identified")["security"] == "/noise"
    sink: Peer = here.go("sink", "--security", offer)
    assert here.py("pour", sink.address, "--bytes", "100000").result("poured")["bytes"] == 100_000
    path = here.file(100_000)
    seeder = here.go("seed", path, "--security", offer)
    link = f"shoal:{seeder.ready['cid']}?peer={seeder.address}"
    item = node.ask("get", link, "-o", here.new_folder(), "--timeout", "60")
    assert item["chunks_have"] == 1


def test_tls_alone_is_refused_with_words(here, node):
    dialler = here.go("identify", node.address, "--security", "tls")
    assert dialler.finish() == 1
    assert "failed to negotiate security protocol" in dialler.await_event("failed")["error"]
    server = here.go("serve", "--security", "tls")
    done = node.run("connect", server.address)
    assert done.returncode != 0
    assert done.stderr.startswith("shoal: ")
    assert "Traceback" not in done.stderr
