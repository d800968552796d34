"""Finding names between Python and Go: keywords in the DHT, and questions from one to the other."""

from __future__ import annotations

import pytest
from processes import Processes
from waiting import await_that

from protocols.search.tokens import keyword_key
from tests.daemons import Daemon, results_of


@pytest.fixture(scope="module")
def node(lasting: Processes) -> Daemon:
    """A shoal node, which others join by."""
    return lasting.shoal("node")


def test_go_asks_py(here, node):
    path = here.file(1000, "Interop Äpfel 黒猫.txt")
    item = node.ask("share", path)["item"]
    answer = here.go("search", "apfel 黒 ext:TXT", "--peer", node.address).result("answered")
    hit = {"cid": item["cid"], "name": path.name, "size": 1000, "files": 1, "own": True, "peers": []}
    assert (answer["hits"], answer["end"]) == ([hit], "complete")
    nothing = here.go("search", "birnen", "--peer", node.address).result("answered")
    assert (nothing["hits"], nothing["end"]) == ([], "complete")


def test_py_asks_go(here, node):
    """The peer that it is connected to; what is found there can be fetched by its number."""
    path = here.file(300_000, "Gopher Kürbis.bin")
    seeder = here.go("seed", path)
    node.ask("connect", seeder.address)
    (hit,) = node.ask_all("search", "kurbis", "--peers")
    assert (hit["name"], hit["cid"]) == (path.name, seeder.ready["cid"])
    assert seeder.await_event("asked")["query"] == "kurbis"
    target = here.new_folder()
    node.ask("get", "s1", "-o", target, "--timeout", "60")
    assert (target / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("cheat", ["strays", "unended"])
def test_a_broken_answer_of_go_costs_it_all_of_it(here, cheat):
    """Too many names that nobody asked for, or no end: what matches isn't believed either."""
    node = here.shoal("asker")
    cheater = here.go("seed", here.file(1000, "Kobold.bin"), "--cheat", cheat)
    node.ask("connect", cheater.address)
    done = node.run("search", "kobold", "--peers", "--json")
    cheater.await_event("asked", query=cheat)
    found = [how for hit in results_of(done.stdout) for how in hit["found"]]
    assert "peers" not in found  # its catalogue, which is no answer, may have been heard


@pytest.mark.parametrize("server", ["py", "go"])
def test_py_finds_go_by_a_keyword(here, node, server):
    """Nobody knows of the seeder but the DHT, under the key of a word of its share's name."""
    address = node.address if server == "py" else here.go("serve").address
    path = here.file(1000, f"Wolkenkuckucksheim {server}.bin")
    seeder = here.go("seed", path, "--provide", "--bootstrap", address)
    await_that(lambda: len(seeder.all("provided")) == 3, "the share and two words of its name are provided")
    seeker = here.shoal("seeker", address)
    await_that(lambda: seeker.ask("status")["routing_table"], "the server is in the routing table")
    (hit,) = seeker.ask_all("search", "wolkenkuckucksheim", "--timeout", "60")
    assert hit["cid"] == seeder.ready["cid"]


@pytest.mark.parametrize("server", ["py", "go"])
def test_go_finds_py_by_a_keyword(here, node, server):
    address = node.address if server == "py" else here.go("serve").address
    sharer = here.shoal("sharer", address)
    await_that(lambda: sharer.ask("status")["routing_table"], "the server is in the routing table")
    item = sharer.ask("share", here.file(1000, f"Schlaraffenland over {server}.bin"))["item"]
    word = keyword_key("schlaraffenland").hex()
    joined = ("--bootstrap", address)
    await_that(lambda: here.go("find", word, *joined).result("found")["providers"], "the word is provided")
    answer = here.go("search", "schlaraffenland", "--find", *joined).result("answered")
    assert [hit["cid"] for hit in answer["hits"]] == [item["cid"]]
