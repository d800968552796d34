"""Kademlia between Python and Go: records put by one are found by the other, whoever keeps them, on either DHT."""

from __future__ import annotations

import hashlib

import pytest
from peers import Peer, PeerError
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

PREFIXES = {"/shoal": "shoal", "/ipfs": "ipfs"}
"""The Go side's prefix, and what shoal calls the network."""

MANY = 40
HELD_NODES = 20


def key(text: str) -> str:
    """A DHT key: a multihash in hex."""
    return "1220" + hashlib.sha256(text.encode()).hexdigest()


class Server:
    """A DHT node of either kind, which others join by."""

    def __init__(self, here: Processes, kind: str, prefix: str, name: str = "server") -> None:
        if kind == "go":
            peer = here.go("serve", "--dht", prefix)
            self.address, self.id = peer.address, peer.id
        else:
            daemon = here.shoal(name, options=("--network", PREFIXES[prefix]))
            self.address, self.id = daemon.address, str(daemon.ask("status")["peer_id"])


@pytest.fixture(scope="module", params=[(kind, prefix) for kind in ("py", "go") for prefix in PREFIXES], ids="".join)
def dht(request: pytest.FixtureRequest, lasting: Processes) -> tuple[Server, str]:
    """A DHT server of each kind on each DHT, and the DHT's prefix."""
    kind, prefix = request.param
    return Server(lasting, kind, prefix, f"server of {prefix[1:]}"), prefix


def providers(found: dict[str, object]) -> set[str]:
    """Who was found, each with an address."""
    named = found["providers"]
    assert isinstance(named, dict)
    assert all(named.values())
    return set(named)


def join_py(here: Processes, name: str, server: Server, prefix: str) -> Daemon:
    """A shoal node that has joined by the server."""
    node = here.shoal(name, server.address, options=("--network", PREFIXES[prefix]))
    await_that(lambda: node.ask("status")["routing_table"], f"{name} has the server in its routing table")
    return node


def test_go_finds_what_go_provides(here, dht):
    server, prefix = dht
    joined = ("--dht", prefix, "--bootstrap", server.address)
    provider = here.go("provide", key("go to go"), "--stay", *joined)
    provider.await_event("provided")
    found = here.go("find", key("go to go"), *joined).result("found")
    assert providers(found) == {provider.id}
    assert not here.go("find", key("nobody has it"), *joined).result("found")["providers"]


@pytest.mark.parametrize("server_kind", ["py", "go"])
def test_records_have_one_key_and_one_provider_whoever_puts_and_finds_them(here, server_kind):
    """Each record is found by both, under its multihash, with its provider's only address."""
    server = here.py("serve") if server_kind == "py" else here.go("serve")
    joined = ("--bootstrap", server.address)
    keys = {kind: key(f"by {kind}, kept by {server_kind}") for kind in ("py", "go")}
    by_py, by_go = here.py("provide", keys["py"], *joined), here.go("provide", keys["go"], "--stay", *joined)
    assert by_py.await_event("provided")["stored"]
    by_go.await_event("provided")
    for finder in (here.py("find", *keys.values(), *joined), here.go("find", *keys.values(), *joined)):
        assert finder.finish() == 0, finder.words()
        for found, provider in zip(finder.all("found"), (by_py, by_go), strict=True):
            (address,) = found["providers"].pop(provider.id)
            assert provider.address.startswith(address.split("/p2p/")[0])
            assert not found["providers"]


def test_py_and_go_find_each_other_and_fetch(here, dht):
    """By nothing but the CID: Python's share is fetched by Go, and Go's by another Python node."""
    server, prefix = dht
    sharer = join_py(here, "sharer", server, prefix)
    path = here.file(300_000)
    cid = str(sharer.ask("share", path)["item"]["cid"])
    sharer.await_provided(cid)
    joined = ("--dht", prefix, "--bootstrap", server.address)
    found = here.go("find", cid, *joined).result("found")
    assert sharer.ask("status")["peer_id"] in providers(found)
    target = here.new_folder()
    here.go("fetch", cid, "--find", "--output", target, *joined).result("fetched")
    assert (target / path.name).read_bytes() == path.read_bytes()

    path = here.file(300_000)
    seeder = here.go("seed", path, "--provide", *joined)
    seeder.await_event("provided")
    item = sharer.ask("get", seeder.ready["cid"], "-o", here.new_folder(), "--timeout", "60")
    assert (here.folder / item["path"]).read_bytes() == path.read_bytes()


def test_py_finds_what_py_provides(here, dht):
    server, prefix = dht
    sharer, leecher = join_py(here, "sharer", server, prefix), join_py(here, "leecher", server, prefix)
    path = here.file(100_000)
    cid = str(sharer.ask("share", path)["item"]["cid"])
    sharer.await_provided(cid)
    item = leecher.ask("get", cid, "-o", here.new_folder(), "--timeout", "60")
    assert (here.folder / item["path"]).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("command", ["trade", "ask"])
def test_each_question_on_a_held_stream_gets_its_own_answer(here, dht, command):
    """Records, which nobody answers, between questions, which somebody does: no answer is taken for another's.

    `trade` is kad-dht itself, which keeps one stream to each server; `ask` writes on one stream by itself.
    """
    server, prefix = dht
    keys = [key(f"{command} {number}") for number in range(MANY)]
    if command == "trade":
        joined = ("--dht", prefix, "--bootstrap", server.address)
        provider = here.go("provide", *keys, "--stay", *joined)
        await_that(lambda: len(provider.all("provided")) == MANY, "every key is provided")
        trader = here.go("trade", *keys, *joined)
        assert trader.finish() == 0, trader.words()
        answers = [providers(found) for found in trader.all("found")]
        assert answers == [{provider.id}] * MANY
    else:
        asker = here.go("ask", server.address, *keys, "--dht", prefix, "--provide")
        assert asker.finish() == 0, asker.words()
        assert [answer["providers"] for answer in asker.all("answer")] == [[asker.id]] * MANY
        asker = here.go("ask", server.address, *keys, key("unknown"), *keys, "--dht", prefix)
        assert asker.finish() == 0, asker.words()
        lengths = [len(answer["providers"]) for answer in asker.all("answer")]
        assert lengths == [1] * MANY + [0] + [1] * MANY
        assert {answer["type"] for answer in asker.all("answer")} == {"GET_PROVIDERS"}


def test_many_held_streams_keep_nobody_out(here, dht):
    """20 nodes hold a stream each; the server still answers others, and them."""
    server, prefix = dht
    holders = here.go("hold", server.address, "--nodes", str(HELD_NODES), "--count", "1", "--dht", prefix)
    assert holders.await_event("held")["streams"] == HELD_NODES
    joined = ("--dht", prefix, "--bootstrap", server.address)
    provider = here.go("provide", key("while others hold"), "--stay", *joined)
    provider.await_event("provided")
    assert providers(here.go("find", key("while others hold"), *joined).result("found")) == {provider.id}
    holders.say("again")
    await_that(lambda: len(holders.all("held")) == 2, "the held streams are still answered")


def test_one_node_may_hold_several_streams(here, dht):
    server, prefix = dht
    holder = here.go("hold", server.address, "--count", "8", "--dht", prefix)
    holder.await_event("held")
    holder.say("again")
    await_that(lambda: len(holder.all("held")) == 2, "the held streams are still answered")


@pytest.mark.parametrize("kind", ["py", "go"])
def test_the_two_dhts_do_not_meet(here, kind):
    """A node of one DHT never gets into the routing table of the other, however it is connected."""
    server = Server(here, kind, "/shoal")
    stranger: Peer = here.go("serve", "--dht", "/ipfs", "--bootstrap", server.address, "--deadline", "8s")
    assert stranger.finish() == 1
    assert "never came into the routing table" in stranger.await_event("failed")["error"]
    with pytest.raises(PeerError):
        stranger.await_event("joined")
