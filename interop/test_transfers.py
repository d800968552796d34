"""Files between Python and Go: every pair of seeders and leecher brings the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from peers import Peer
from processes import Processes
from waiting import await_that

from tests.daemons import Daemon

MIB = 1 << 20
SIZE = 24 * MIB + 77
SEEDERS = (("py",), ("go",), ("py", "py"), ("py", "go"), ("go", "go"), ("py", "go", "go"))


class Seeder:
    """A share's source of either kind: what it is called and where it is."""

    def __init__(self, source: Peer | Daemon, path: Path) -> None:
        self.path = path
        self.source = source
        if isinstance(source, Peer):
            self.cid, self.address, self.id = str(source.ready["cid"]), source.address, source.id
        else:
            self.cid = str(source.ask("share", path)["item"]["cid"])
            self.address, self.id = source.address, peer_id(source)

    def stop(self) -> None:
        """Share it no longer."""
        if isinstance(self.source, Peer):
            self.source.stop()
        else:
            self.source.ask("stop", self.cid)


def peer_id(node: Daemon) -> str:
    """A shoal node's peer id."""
    return str(node.ask("status")["peer_id"])


def link_to(*seeders: Seeder) -> str:
    """A link that names all of them."""
    return f"shoal:{seeders[0].cid}?" + "&".join(f"peer={seeder.address}" for seeder in seeders)


def fetch_by_go(here: Processes, *seeders: Seeder) -> dict[str, int]:
    """The Go peer has the same file; the chunks that it had from each seeder."""
    target = here.new_folder()
    fetched = here.go("fetch", link_to(*seeders), "--output", target).result("fetched")
    assert_same(seeders[0].path, Path(fetched["path"]))
    return {str(peer): int(chunks) for peer, chunks in fetched["from"].items()}


def fetch_by_py(here: Processes, leecher: Daemon, *seeders: Seeder) -> dict[str, int]:
    """The shoal node has the same file; the bytes that it had from each seeder."""
    target = here.new_folder()
    item = leecher.ask("get", link_to(*seeders), "-o", target, "--timeout", "60")
    assert_same(seeders[0].path, Path(item["path"]))
    return {peer["peer_id"]: peer["received"] for peer in leecher.ask("info", item["cid"])["peers"]}


def assert_same(original: Path, copy: Path) -> None:
    """Both are the same file, or the same folder of the same files."""
    if original.is_file():
        assert copy.read_bytes() == original.read_bytes()
        return
    assert sorted(path.relative_to(copy) for path in copy.rglob("*")) == sorted(
        path.relative_to(original) for path in original.rglob("*")
    )
    for path in original.rglob("*"):
        if path.is_file():
            assert_same(path, copy / path.relative_to(original))


@pytest.fixture(scope="module")
def leecher(lasting: Processes) -> Daemon:
    """A shoal node that fetches."""
    return lasting.shoal("leecher")


@pytest.fixture(scope="module")
def nodes(lasting: Processes) -> list[Daemon]:
    """Shoal nodes that share."""
    return [lasting.shoal("first"), lasting.shoal("second")]


@pytest.mark.parametrize("kinds", SEEDERS, ids="+".join)
@pytest.mark.parametrize("by", ["py", "go"])
def test_every_seeder_serves_every_leecher(here, leecher, nodes, kinds, by):
    path = here.file(SIZE)
    # Several are slowed down where they can be, so that none has sent everything before the others are there.
    pace = ("--pace", "10ms") if len(kinds) > 1 else ()
    for node in nodes:
        node.ask("limit", "--up", "20MB" if len(kinds) > 1 else "off")
    seeders = [
        Seeder(here.go("seed", path, *pace) if kind == "go" else nodes[number], path)
        for number, kind in enumerate(kinds)
    ]
    assert len({seeder.cid for seeder in seeders}) == 1
    sources = fetch_by_go(here, *seeders) if by == "go" else fetch_by_py(here, leecher, *seeders)
    assert set(sources) >= {seeder.id for seeder in seeders}
    assert all(sources[seeder.id] for seeder in seeders)


@pytest.mark.parametrize(("kind", "by"), [("py", "go"), ("go", "py"), ("go", "go")])
@pytest.mark.parametrize("what", ["empty file", "one byte", "exact chunks", "folder", "empty folder"])
def test_every_shape_of_share(here, leecher, nodes, kind, by, what):
    sizes = {"empty file": 0, "one byte": 1, "exact chunks": 2 * MIB}
    if what in sizes:
        path = here.file(sizes[what], f"{kind} {by}.bin")
    else:
        path = here.new_folder() / f"{kind} to {by}"
        (path / "a" / "nothing").mkdir(parents=True)
        if what == "folder":
            (path / "a" / "b.bin").write_bytes(here.file(MIB + 1).read_bytes())
            (path / "z").write_text(f"{kind} {by}")
            (path / "ü").touch()
    seeder = Seeder(here.go("seed", path) if kind == "go" else nodes[0], path)
    if by == "go":
        fetch_by_go(here, seeder)
    else:
        fetch_by_py(here, leecher, seeder)


def test_a_go_leecher_serves_what_it_has(here, leecher, nodes):
    path = here.file(SIZE)
    seeder = Seeder(nodes[0], path)
    target = here.new_folder()
    middle = here.go("fetch", link_to(seeder), "--output", target, "--stay")
    middle.await_event("fetched")
    seeder.stop()
    seeder.address, seeder.id = middle.address, middle.id
    assert fetch_by_py(here, leecher, seeder)[middle.id]


def test_a_py_leecher_serves_what_it_has(here, leecher):
    path = here.file(SIZE)
    seeder = Seeder(here.go("seed", path), path)
    fetch_by_py(here, leecher, seeder)
    seeder.stop()
    seeder.address, seeder.id = leecher.address, peer_id(leecher)
    assert fetch_by_go(here, seeder)[seeder.id]


def test_leechers_of_both_kinds_exchange(here, leecher):
    """A slow seeder, two leechers that know of each other: each gets chunks from the other."""
    path = here.file(SIZE)
    seeder = Seeder(here.go("seed", path, "--pace", "30ms"), path)
    target = here.new_folder()
    leecher.ask("get", link_to(seeder), "-o", target, "--detach")
    go = here.go("fetch", f"{link_to(seeder)}&peer={leecher.address}", "--output", here.new_folder(), "--stay")
    assert go.await_event("fetched")["from"][peer_id(leecher)]
    item = await_that(lambda: complete(leecher, seeder.cid), "the shoal node has everything")
    assert_same(path, Path(item["path"]))


def complete(node: Daemon, cid: str) -> dict[str, object] | None:
    """The item once it is complete."""
    item = node.item(cid)
    return item if item["chunks_have"] == item["chunks"] and item["state"] == "Seeding" else None


@pytest.mark.slow
@pytest.mark.parametrize("by", ["py", "go"])
def test_digests_in_pages(here, leecher, by):
    """8,193 chunks: the manifest has a page, which is fetched in two pieces; the chunks aren't of the default size."""
    path = here.file(0)
    with path.open("r+b") as file:
        file.write(b"beginning")
        file.truncate(8192 * 65536 + 5)
    seeder = Seeder(here.go("seed", path, "--chunk", "65536"), path)
    target = here.new_folder()
    if by == "go":
        go = here.go("fetch", link_to(seeder), "--output", target)
        fetched = Path(go.result("fetched")["path"])
        assert go.await_event("manifest")["pages"] == 1
    else:
        fetched = Path(leecher.ask("get", link_to(seeder), "-o", target, "--timeout", "60")["path"])
    assert fetched.stat().st_size == path.stat().st_size
    shutil.rmtree(target)


def test_what_is_not_shared_is_refused_with_that_reason(here, leecher):
    path = here.file(10)
    seeder = Seeder(here.go("seed", path), path)
    go = here.go("fetch", seeder.cid, "--peer", leecher.address, "--output", here.new_folder())
    assert go.finish()
    assert go.await_event("ended")["reason"] == "not_found"
    done = leecher.run("get", link_to_other(here, seeder), "-o", here.new_folder(), "--timeout", "4")
    assert done.returncode == 5
    assert "no such manifest" in done.stderr or "not_found" in done.stderr


def link_to_other(here: Processes, seeder: Seeder) -> str:
    """A link that says the seeder has what it hasn't."""
    other = here.go("seed", here.file(11))
    return f"shoal:{other.ready['cid']}?peer={seeder.address}"
