"""Everything that can be wrong with words, files, disks and peers: a sentence, a documented exit code, nothing lost."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.control.client import ControlClient
from node.errors import UsageError
from tests.daemons import ENVIRONMENT, SHOAL, Daemon, await_that
from tests.e2e.hostile import MANIFESTS

MIB = 1 << 20
DAG_PB = "bafybeihfg3d7rdltd43u3tfvncx7n5loqofbsobojcadtmokrljfthuc7y"
BLAKE3 = "bafyr4ihdo3qwmnbwvqbyj6i2h3smvmrsdtcmtnx6rhzadyqkmlqyrj4sza"
NOBODY_HAS_IT = "bafyreieuvqg6lglhhvvhubc5ey3d7xbbzfrwzawdnjqrrrv2nkycmlh2sm"


def check(daemon: Daemon, *words: str | Path, code: int, says: str) -> None:
    """The command ends with the exit code, an error event that has it too, one sentence on stderr, no traceback."""
    done = daemon.run(*words, "--json")
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["code"] for event in events if event["event"] == "error"] == [code]
    assert not [event for event in events if event["event"] == "result"]


@pytest.fixture(scope="module")
def lies() -> Iterator[dict[str, str]]:
    """The links of a peer that misbehaves: each in the way that is its name."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.hostile"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("get", "nonsense"), 2, "CID"),
        (("get", DAG_PB), 2, "dag-pb"),
        (("get", BLAKE3), 2, "sha2-256"),
        (("get", NOBODY_HAS_IT[:-3] + "!!!"), 2, "CID"),
        (("get", "shoal:nonsense"), 2, "CID"),
        (("get", f"shoal:{NOBODY_HAS_IT}?peer=nonsense"), 2, "multiaddr"),
        (("get", NOBODY_HAS_IT, "--timeout", "1"), 5, "no provider answered"),
        (("info", "77"), 4, "77"),
        (("stop", "nothing-of-that-name"), 4, "nothing-of-that-name"),
        (("connect", "nonsense"), 2, "multiaddr"),
        (("connect", "/ip4/127.0.0.1/tcp/1"), 2, "which peer"),
        (("connect", "/ip4/127.0.0.1/udp/1/quic-v1"), 2, "TCP"),
        (("share", "/no/such/file"), 4, "/no/such/file"),
        (("share", "/dev/null"), 7, "device"),
    ],
)
def test_wrong_words_get_a_sentence_and_a_code(trio_of_nodes, words, code, says):
    check(trio_of_nodes[0], *words, code=code, says=says)


@pytest.mark.parametrize("path", ["", "relative/file", "/etc/pass\0wd"])
def test_the_control_socket_takes_absolute_paths_only(trio_of_nodes, path):
    with ControlClient(trio_of_nodes[0].home / "control.sock") as client:
        for method, name in (("share", "path"), ("get", "directory")):
            with pytest.raises(UsageError, match="an absolute path"):
                client.call(method, {name: path, "target": NOBODY_HAS_IT}, timeout_s=60)


def test_the_wrong_peer_at_an_address_is_said(trio_of_nodes):
    alice, bob, carol = trio_of_nodes
    address = carol.address.split("/p2p/")[0]
    missing = "12D3KooWRMQiABfpY6RMUPUNMsfXusZuTQ9FYiTpntFKyYHmWb2c"
    check(alice, "connect", f"{address}/p2p/{missing}", code=5, says="peer")
    assert bob.ask("status")["peer_id"] != missing


def test_without_a_daemon_every_command_says_how_to_start_one(tmp_path):
    for words in (["list"], ["get", NOBODY_HAS_IT], ["share", "x"], ["status"], ["shutdown"]):
        done = subprocess.run(
            [SHOAL, "--home", tmp_path, *words],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        assert done.returncode == 3
        assert "shoal" in done.stderr
        assert "daemon" in done.stderr


def test_a_second_daemon_on_the_same_data_folder_is_refused(trio_of_nodes):
    check(trio_of_nodes[0], "daemon", "--listen", "/ip4/127.0.0.1/tcp/0", code=3, says="already uses the data folder")


def daemon_refused(home: Path, *options: str) -> tuple[int, str]:
    """The exit code and the sentence of a daemon that doesn't start."""
    command = [SHOAL, "--home", home, "daemon", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_a_bootstrap_address_without_a_peer_id_is_refused(tmp_path):
    code, said = daemon_refused(tmp_path, "--bootstrap", "/ip4/127.0.0.1/tcp/1")
    assert code == 2
    assert "add /p2p/" in said


def test_a_second_daemon_on_the_same_port_is_refused(trio_of_nodes, tmp_path):
    taken = trio_of_nodes[0].address.split("/p2p/")[0]
    code, said = daemon_refused(tmp_path, "--listen", taken)
    assert code == 1
    assert taken in said


def fetched_in_vain(leecher: Daemon, seeder: Daemon, cid: str, downloads: Path) -> dict:
    """The seeder's row once it has noticed what the leecher asks for; the leecher gets nothing."""
    leecher.ask("get", cid, "-o", downloads, "--detach")
    item = await_that(lambda: (row := seeder.item(cid))["state"] == "Error" and row, "the seeder notices")
    assert leecher.run("get", cid, "-o", downloads, "--timeout", "1").returncode == 5
    assert leecher.item(cid)["bytes_have"] == 0
    return item


def test_a_file_that_vanishes_is_not_served_and_the_reason_is_shown(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = tmp_path / "gone.bin"
    path.write_bytes(bytes(3 * MIB))
    cid = alice.ask("share", path)["item"]["cid"]
    alice.await_provided(cid)
    path.unlink()
    item = fetched_in_vain(bob, alice, cid, tmp_path / "downloads")
    assert "gone.bin" in item["reason"]


def test_a_file_that_changes_is_not_served_and_the_reason_is_shown(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = tmp_path / "changed.bin"
    path.write_bytes(bytes(3 * MIB))
    before = path.stat()
    cid = alice.ask("share", path)["item"]["cid"]
    alice.await_provided(cid)
    path.write_bytes(b"\1" * (3 * MIB))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    item = fetched_in_vain(bob, alice, cid, tmp_path / "downloads")
    assert "changed" in item["reason"]
    damaged = alice.run("verify", cid)
    assert damaged.returncode == 1
    assert "bad" in damaged.stdout


def test_what_is_at_the_destination_is_never_overwritten(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = tmp_path / "notes.txt"
    path.write_text("the new notes")
    cid = alice.ask("share", path)["item"]["cid"]
    alice.await_provided(cid)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    (downloads / "notes.txt").write_text("the old notes")
    check(bob, "get", cid, "-o", downloads, code=7, says="notes.txt")
    assert (downloads / "notes.txt").read_text() == "the old notes"


def test_a_destination_that_cannot_be_written_is_said(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = tmp_path / "small.txt"
    path.write_text("small, for a folder that can't be")
    cid = alice.ask("share", path)["item"]["cid"]
    alice.await_provided(cid)
    (tmp_path / "a-file").touch()
    check(bob, "get", cid, "-o", tmp_path / "a-file" / "below", code=7, says="a-file")


@pytest.mark.parametrize("mode", sorted(MANIFESTS))
def test_a_hostile_manifest_writes_nothing_and_ends_in_an_integrity_error(trio_of_nodes, lies, tmp_path, mode):
    downloads = tmp_path / "downloads"
    check(trio_of_nodes[1], "get", lies[mode], "-o", downloads, "--timeout", "60", code=6, says="manifest")
    assert not downloads.exists() or list(downloads.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "code", "says"),
    [
        ("wrong-data", 6, "banned"),
        ("wrong-manifest", 6, "banned"),
        ("too-much", 6, "banned"),
        ("garbage", 6, "banned"),
        ("too-little", 5, "hung up"),
        ("hang-up", 5, "hung up"),
        ("nothing", 5, "connected"),
    ],
)
def test_a_lone_misbehaving_peer_costs_time_and_nothing_else(trio_of_nodes, lies, tmp_path, mode, code, says):
    bob = trio_of_nodes[1]
    downloads = tmp_path / "downloads"
    cid = bob.ask("get", lies[mode], "-o", downloads, "--detach")["cid"]
    await_that(lambda: says in bob.item(cid)["reason"], f"the list says: {says}")
    check(bob, "get", lies[mode], "-o", downloads, "--timeout", "0.5", code=code, says=says)
    bob.ask("pause", cid)
    assert not (downloads / mode).exists()


def test_a_full_disk_pauses_with_that_reason_and_goes_on_when_there_is_room(start, tmp_path):
    alice = start("alice")
    alice.await_ready()
    disk = tmp_path / "disk"
    disk.mkdir()
    path = tmp_path / "large.bin"
    path.write_bytes(random.Random(3).randbytes(40 * MIB))
    shared = alice.ask("share", path)["item"]
    cid = shared["cid"]
    with small_disk(disk, 48 * MIB) as environment:
        filler = disk / "filler"
        filler.write_bytes(bytes(30 * MIB))
        bob = start("bob", environment=environment)
        bob.await_ready()
        done = bob.run("get", shared["link"], "-o", disk)
        assert done.returncode == 7
        assert "free" in done.stderr or "full" in done.stderr
        stalled = bob.item(cid)
        assert stalled["state"] == "Stalled"
        assert "disk" in stalled["reason"]
        filler.unlink()
        await_that(lambda: bob.item(cid)["state"] == "Seeding", "it goes on when there is room")
        assert (disk / path.name).read_bytes() == path.read_bytes()
        bob.stop()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[dict[str, str]]:
    """A disk of `size` bytes at a folder, and the environment for nodes to see it: a real one where we may mount it."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        place = Path(__file__).parent / "small_disk"
        yield {"PYTHONPATH": str(place), "SMALL_DISK": str(folder), "SMALL_DISK_SIZE": str(size)}
        return
    try:
        yield {}
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
