"""Three nodes on this machine, one real file: shared by the first, found and fetched by the others.

What it proves, each step by the `shoal` command a person would type: three processes bootstrap by multiaddr on
loopback; the second finds the file from nothing but its CID over Kademlia and downloads it; the third downloads from
both; all three hold the same bytes. It prints who sent how much and exits 0 only if all of that happened.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from tests.daemons import Daemon, DaemonError

LEAST_SIZE = 64_000_000
ENOUGH_SIZE = 96_000_000


def default_file(folder: Path) -> Path:
    """A real file of at least 64 MB: a tar of the installed Python packages and the standard library."""
    path = folder / "python-packages.tar"
    sources = [Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib")]
    with tarfile.open(path, "w") as archive:
        for source in sources:
            for file in sorted(source.rglob("*")):
                if file.is_file() and not file.is_symlink():
                    archive.add(file, arcname=str(file.relative_to(source)))
                if archive.offset > ENOUGH_SIZE:
                    return path
    if path.stat().st_size < LEAST_SIZE:
        raise DaemonError(f"only {path.stat().st_size} bytes of files found on this machine; name one with FILE=path")
    return path


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, flush=True)


def fetch(node: Daemon, cid: str, folder: Path, name: str, digest: str) -> None:
    """Download by CID alone, the progress on stderr, and compare with the original."""
    target = folder / f"{node.name}-downloads"
    target.mkdir()
    code = node.start("get", cid, "-o", target, stdout=sys.stderr).wait()
    if code:
        raise DaemonError(f"{node.name}: the download ended with exit code {code}\n{node.last_words()}")
    if sha256(target / name) != digest:
        raise DaemonError(f"{node.name}: the downloaded file differs from the original")
    say(f"{node.name} has {name}, and its SHA-256 is the original's")


def demo(source: Path | None, folder: Path, nodes: list[Daemon]) -> None:
    """All steps; raises DaemonError at the first that fails."""
    path = source.resolve() if source else default_file(folder)
    digest = sha256(path)
    say(f"the file: {path.name}, {path.stat().st_size:,} bytes, SHA-256 {digest}")

    alice = Daemon(folder, "alice")
    nodes.append(alice)
    say(f"alice listens on {alice.await_ready()['addresses'][0]}")
    nodes.extend(Daemon(folder, name, alice.address) for name in ("bob", "carol"))
    _, bob, carol = nodes
    for node in (bob, carol):
        say(f"{node.name} listens on {node.await_ready()['addresses'][0]}, bootstrapped by alice's multiaddr")

    cid = alice.ask("share", path)["item"]["cid"]
    say(f"alice shares it as {cid}")
    alice.await_provided(cid)
    fetch(bob, cid, folder, path.name, digest)
    bob.await_provided(cid)
    fetch(carol, cid, folder, path.name, digest)
    report(nodes, cid)


def report(nodes: list[Daemon], cid: str) -> None:
    """Who sent how much to whom, as the receivers counted it; carol must have had some from both."""
    names = {node.ask("status")["peer_id"]: node.name for node in nodes}
    sources: dict[str, int] = {}
    say("who sent how much:")
    for node in nodes[1:]:
        for peer in node.ask("info", cid)["peers"]:
            if peer["received"]:
                sender = names[peer["peer_id"]]
                say(f"  {sender:>6} -> {node.name:<6} {peer['received']:>12,} bytes")
                if node is nodes[-1]:
                    sources[sender] = peer["received"]
    if set(sources) != {"alice", "bob"}:
        raise DaemonError(f"carol was to download from alice and bob; she had data from {sorted(sources) or 'nobody'}")


def main() -> int:
    """Run the demo in a temporary folder; the exit code is the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="the file to share (default: one that is built here)")
    source = parser.parse_args().file
    folder = Path(tempfile.mkdtemp(prefix="shoal-demo-"))
    nodes: list[Daemon] = []
    try:
        demo(source, folder, nodes)
    except DaemonError as error:
        say(f"FAILED: {error}")
        return 1
    finally:
        for node in nodes:
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)
    say("all of it happened: shared, found by CID over the DHT, downloaded, verified, and downloaded again from both")
    return 0


if __name__ == "__main__":
    sys.exit(main())
