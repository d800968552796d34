"""Catalogues between Python and Go: signed by one, checked, held and passed on by the other."""

from __future__ import annotations

from typing import Any

import pytest
from peers import Peer
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

MANY = 60


def shared(node: Daemon, here: Processes, name: str, size: int = 1000) -> dict[str, Any]:
    """A share of a shoal node, as catalogues have it."""
    item = node.ask("share", here.file(size, name))["item"]
    return {"cid": item["cid"], "name": name, "size": size, "files": 1}


def known_here(node: Daemon, word: str) -> list[dict[str, Any]]:
    """What a shoal node finds without asking anybody."""
    done = node.run("search", word, "--local", "--json")
    return [] if done.returncode else node.ask_all("search", word, "--local")


def listener(here: Processes, node: Daemon) -> Peer:
    """A Go peer that has asked a shoal node, and stays."""
    go = here.go("catalogue", "--peer", node.address, "--stay")
    go.await_event("met")
    return go


def offers(go: Peer, publisher: str, entry: dict[str, Any]) -> bool:
    """Whether the latest catalogue of a publisher that a Go peer has verified has the entry."""
    heard = go.all("catalogue", publisher=publisher)
    return bool(heard) and entry in heard[-1]["entries"]


def test_go_hears_what_py_shares_and_unshares(here):
    """When it asks, and by news after that; what is gone is gone with the next head."""
    node = here.shoal("node")
    publisher = node.ask("status")["peer_id"]
    first = shared(node, here, "primero.bin")
    await_that(lambda: offers(here_once(here, node), publisher, first), "whoever asks hears of the first share")
    go = listener(here, node)
    second = shared(node, here, "segundo.bin")
    await_that(lambda: offers(go, publisher, second), "news of the second share")
    node.ask("stop", first["cid"])
    await_that(lambda: not offers(go, publisher, first), "news that the first share is gone")
    assert offers(go, publisher, second)
    seqs = [heard["seq"] for heard in go.all("catalogue", publisher=publisher)]
    assert seqs == sorted(set(seqs))


def here_once(here: Processes, node: Daemon) -> Peer:
    """A Go peer that has asked a shoal node and ended."""
    go = here.go("catalogue", "--peer", node.address)
    assert go.finish() == 0, go.words()
    return go


def test_py_hears_what_go_shares_and_fetches_it(here):
    """By asking whom it meets; then the name is known here, and its number can be fetched."""
    node = here.shoal("node")
    path = here.file(200_000, "quetzalcoatl.bin")
    seeder = here.go("seed", path)
    node.ask("connect", seeder.address)
    (hit,) = await_that(lambda: known_here(node, "quetzalcoatl"), "the name is known")
    assert (hit["cid"], hit["size"], hit["files"]) == (seeder.ready["cid"], 200_000, 1)
    target = here.new_folder()
    node.ask("get", "s1", "-o", target, "--timeout", "60")
    assert (target / path.name).read_bytes() == path.read_bytes()


def test_py_passes_on_what_go_signed(here):
    """Go to py to py to go: the last one checks the signature of the first, whom it never meets."""
    near = here.shoal("near")
    far = here.shoal("far", near.address)
    go = listener(here, far)
    seeder = here.go("seed", here.file(1000, "popocatepetl.bin"), "--peer", near.address)
    entry = {"cid": seeder.ready["cid"], "name": "popocatepetl.bin", "size": 1000, "files": 1}
    await_that(lambda: offers(go, seeder.id, entry), "the Go peer at the far end knows the entry")
    (hit,) = known_here(far, "popocatepetl")
    assert hit["cid"] == entry["cid"]


def test_go_passes_on_what_py_signed(here):
    """A shoal node believes another one's head and pages although a Go peer brings them."""
    publisher, reader = here.shoal("publisher"), here.shoal("reader")
    entry = shared(publisher, here, "iztaccihuatl.bin")
    between = listener(here, publisher)
    await_that(lambda: offers(between, publisher.ask("status")["peer_id"], entry), "the Go peer holds it")
    reader.ask("connect", between.address)
    (hit,) = await_that(lambda: known_here(reader, "iztaccihuatl"), "the name is known")
    assert hit["cid"] == entry["cid"]


@pytest.mark.parametrize("cheat", ["forged-head", "wrong-page"])
def test_a_catalogue_that_is_not_right_is_not_believed(here, cheat):
    """Nothing of it shows, and others are heard as before."""
    node = here.shoal("node")
    cheater = here.go("seed", here.file(1000, "falsch.bin"), "--cheat", cheat)
    node.ask("connect", cheater.address)
    cheater.await_event("browsed")
    honest = here.go("seed", here.file(1000, "wahr.bin"), "--peer", node.address)
    honest.await_event("met")
    await_that(lambda: known_here(node, "wahr"), "the honest name is known")
    assert not known_here(node, "falsch")
    assert cheater.id in {row["peer_id"] for row in node.ask_all("peers")}, "it is heard no more, and still connected"


def test_many_entries_arrive(here):
    node = here.shoal("node")
    folder = here.new_folder()
    for number in range(MANY):
        (folder / f"entry {number}.txt").write_text(str(number))
    node.ask_all("share", *folder.iterdir())
    publisher = node.ask("status")["peer_id"]
    go = listener(here, node)
    await_that(
        lambda: any(len(heard["entries"]) == MANY for heard in go.all("catalogue", publisher=publisher)),
        f"{MANY} entries have arrived",
    )
