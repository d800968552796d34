"""What a share is called: shoal, the Go peer and boxo, the library inside Kubo, name the same bytes alike."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from peers import Event
from processes import Processes

from protocols.link import Link
from protocols.manifest import FileEntry, Manifest, encode
from protocols.unixfs import ipfs_root
from tests.daemons import Daemon

MIB = 1 << 20
SIZES = (0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 5)
FILES = {"a.txt": 5, "a/b": MIB + 1, "a-b": 0, "Z": 1, "deep/er/est": 70, "ünïcödé": 3}


@pytest.fixture(scope="module")
def node(lasting: Processes) -> Daemon:
    """A shoal node that shares everything."""
    return lasting.shoal("sharer")


def describe(path: Path) -> Manifest:
    """The manifest of a file or folder by MANIFEST.md, with nothing of the node's importing in it."""
    files = sorted(file.relative_to(path).parts for file in path.rglob("*") if file.is_file()) or [(path.name,)]
    entries, digests = [], b""
    for parts in files:
        content = (path.joinpath(*parts) if path.is_dir() else path).read_bytes()
        entries.append(FileEntry(parts, len(content), hashlib.sha256(content).digest()))
        digests += b"".join(hashlib.sha256(content[at : at + MIB]).digest() for at in range(0, len(content), MIB))
    return Manifest(path.name, MIB, tuple(entries), digests, is_folder=path.is_dir())


def agree(node: Daemon, here: Processes, path: Path) -> Event:
    """All name the share at `path` alike; what the Go peer says of it."""
    by_go = here.go("describe", path).result("described")
    shared = node.ask("share", path)["item"]
    assert shared["cid"] == by_go["cid"]
    assert by_go["ipfs_root"] == by_go["judged_root"]
    link = Link.parse(by_go["link"])
    assert (link.name, link.size) == (shared["name"], shared["size"])
    return by_go


@pytest.mark.parametrize("size", SIZES)
def test_a_file_has_one_name(node, here, size):
    path = here.file(size)
    by_go = agree(node, here, path)
    manifest = describe(path)
    assert str(encode(manifest).cid) == by_go["cid"]
    assert str(ipfs_root(manifest)) == by_go["judged_root"]


def test_a_folder_has_one_name(node, here):
    path = here.new_folder() / "things"
    for name, size in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(bytes(size))
    by_go = agree(node, here, path)
    manifest = describe(path)
    assert str(encode(manifest).cid) == by_go["cid"]
    assert str(ipfs_root(manifest)) == by_go["judged_root"]


@pytest.mark.slow
def test_a_gibibyte_has_one_name(node, here):
    path = here.file(0)
    with path.open("r+b") as file:
        file.truncate(1 << 30)  # zeros, and no room on disk
    assert agree(node, here, path)["chunks"] == 1024
