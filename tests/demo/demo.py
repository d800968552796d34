"""Three nodes on this machine, one real file: shared by the first, found and fetched by the others.

What it proves, each step by the `shoal` command a person would type: three processes bootstrap by multiaddr on
loopback; the second finds the file from nothing but its CID over Kademlia and downloads it; the third downloads from
both; all three hold the same bytes. It prints who sent how much and exits 0 only if all of that happened.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from pathlib import Path

SHOAL = Path(sys.executable).with_name("shoal")
LEAST_SIZE = 64_000_000
ENOUGH_SIZE = 96_000_000
READY_S = 30.0


class DemoError(Exception):
    """A step didn't happen; the sentence says which."""


class Node:
    """One daemon in its own data folder, driven by the command line."""

    def __init__(self, name: str, folder: Path, bootstrap: str | None = None) -> None:
        self.name = name
        self.home = folder / name
        self.home.mkdir()
        command = [SHOAL, "--home", self.home, "daemon", "--listen", "/ip4/127.0.0.1/tcp/0"]
        if bootstrap:
            command += ["--bootstrap", bootstrap]
        self.log = (folder / f"{name}.out").open("wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def run(self, *words: str | Path, show: bool = False) -> subprocess.CompletedProcess[str]:
        """One command against this node; its progress goes to our stderr when `show` is set."""
        command = [SHOAL, "--home", self.home, *words]
        stderr = None if show else subprocess.PIPE
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)

    def ask(self, *words: str | Path) -> list[dict]:
        """The results of one command, as JSON."""
        done = self.run(*words, "--json")
        if done.returncode:
            raise DemoError(
                f"`shoal {' '.join(map(str, words))}` on {self.name} exited {done.returncode}: {done.stderr}"
            )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def await_ready(self) -> dict:
        """The node's status, once it answers."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            done = self.run("status", "--json")
            if done.returncode == 0:
                return json.loads(done.stdout.splitlines()[-1])
            time.sleep(0.1)
        raise DemoError(f"{self.name} didn't start: {Path(self.log.name).read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Ask the daemon to leave, and see to it."""
        self.run("shutdown")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


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
        raise DemoError(f"only {path.stat().st_size} bytes of files found on this machine; name one with FILE=path")
    return path


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, flush=True)


def await_provided(node: Node, cid: str) -> None:
    """Wait until another node holds this node's provider record."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        item = node.ask("info", cid)[-1]["item"]
        if item["provided"] and item["provided"]["stored"] > 0:
            return
        time.sleep(0.1)
    raise DemoError(f"nobody took {node.name}'s provider record within {READY_S:.0f} s")


def fetch(node: Node, cid: str, folder: Path, name: str, digest: str) -> Path:
    """Download by CID alone and compare with the original."""
    target = folder / f"{node.name}-downloads"
    target.mkdir()
    done = node.run("get", cid, "-o", target, "--progress", "always" if sys.stderr.isatty() else "plain", show=True)
    if done.returncode:
        raise DemoError(f"{node.name}: the download ended with exit code {done.returncode}")
    path = target / name
    if sha256(path) != digest:
        raise DemoError(f"{node.name}: the downloaded file differs from the original")
    say(f"{node.name}: {path.name} is here, and its SHA-256 is the original's")
    return path


def demo(source: Path | None, folder: Path, nodes: list[Node]) -> None:
    """All steps; raises DemoError at the first that fails."""
    path = source or default_file(folder)
    digest = sha256(path)
    say(f"file: {path.name}, {path.stat().st_size:,} bytes, SHA-256 {digest}")

    nodes.append(Node("alice", folder))
    alice = nodes[0].await_ready()
    say(f"alice listens on {alice['addresses'][0]}")
    nodes.extend(Node(name, folder, alice["addresses"][0]) for name in ("bob", "carol"))
    for node in nodes[1:]:
        say(f"{node.name} listens on {node.await_ready()['addresses'][0]}, bootstrapped by alice's multiaddr")

    done = nodes[0].run("share", path, "--json", show=True)
    if done.returncode:
        raise DemoError("alice could not share the file")
    cid = json.loads(done.stdout.splitlines()[-1])["item"]["cid"]
    say(f"alice shares it as {cid}")
    await_provided(nodes[0], cid)

    fetch(nodes[1], cid, folder, path.name, digest)
    await_provided(nodes[1], cid)
    fetch(nodes[2], cid, folder, path.name, digest)
    report(nodes, cid)


def report(nodes: list[Node], cid: str) -> None:
    """Who sent how much to whom, as the receivers counted it; carol must have had some from both."""
    names = {node.ask("status")[-1]["peer_id"]: node.name for node in nodes}
    sources: dict[str, int] = {}
    say("who sent how much:")
    for node in nodes[1:]:
        for peer in node.ask("info", cid)[-1]["peers"]:
            if peer["received"]:
                sender = names[peer["peer_id"]]
                say(f"  {sender:>6} -> {node.name:<6} {peer['received']:>12,} bytes")
                if node is nodes[2]:
                    sources[sender] = peer["received"]
    if set(sources) != {"alice", "bob"}:
        raise DemoError(f"carol was to download from alice and bob; she had data from {sorted(sources) or 'nobody'}")


def main() -> int:
    """Run the demo in a temporary folder; the exit code is the verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, help="the file to share (default: one that is built here)")
    source = parser.parse_args().file
    folder = Path(tempfile.mkdtemp(prefix="shoal-demo-"))
    nodes: list[Node] = []
    os.environ.pop("SHOAL_HOME", None)
    os.environ.pop("SHOAL_BOOTSTRAP", None)
    try:
        demo(source, folder, nodes)
    except DemoError as error:
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
