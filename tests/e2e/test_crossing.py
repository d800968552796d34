"""Files and folders crossing between real nodes, found by CID alone, in everything but the network's size."""

from __future__ import annotations

import filecmp
import hashlib
import os
import random
import re
from pathlib import Path

import pytest

from tests.daemons import Daemon, DaemonError, await_that

MIB = 1 << 20
BIG = 64 * MIB
SEED = 20261122


def make_file(path: Path, size: int) -> Path:
    """A file of random bytes, the same each time."""
    rng = random.Random(SEED + size)
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(rng.randbytes(min(MIB, size - start)))
    return path


def share(daemon: Daemon, path: Path) -> str:
    cid = daemon.ask("share", path)["item"]["cid"]
    daemon.await_provided(cid)
    return str(cid)


def await_seeding(daemon: Daemon, cid: str) -> dict:
    """The row once the download has ended by itself."""
    seen: list[dict] = []

    def is_seeding() -> dict | None:
        seen[:] = [daemon.item(cid)]
        return seen[0] if seen[0]["state"] == "Seeding" else None

    try:
        return await_that(is_seeding, "the download goes on by itself and ends", timeout_s=150.0)
    except DaemonError as error:
        raise DaemonError(f"{error}; it stands at {seen}\n{daemon.last_words()}") from None


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 17])
def test_a_file_of_any_size_arrives_as_it_was(trio_of_nodes, tmp_path, size):
    alice, bob, _ = trio_of_nodes
    path = make_file(tmp_path / f"file-{size}.bin", size)
    cid = share(alice, path)
    result = bob.ask("get", cid, "-o", tmp_path / "downloads")
    assert result["state"] == "Seeding"
    assert (tmp_path / "downloads" / path.name).read_bytes() == path.read_bytes()


def test_a_folder_arrives_with_all_its_files_and_empty_folders(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    folder = tmp_path / "album"
    (folder / "été" / "深い").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / ".hidden").write_bytes(b"seen all the same")
    (folder / "none").touch()
    make_file(folder / "été" / "深い" / "song.flac", 2 * MIB + 5)
    for number in range(300):
        make_file(folder / f"{number:03}.txt", 10 + number)
    (folder / "loop").symlink_to(folder)
    shared = alice.ask("share", folder)
    assert any("loop" in entry for entry in shared["skipped"])
    cid = shared["item"]["cid"]
    alice.await_provided(cid)
    bob.ask("get", cid, "-o", tmp_path / "downloads")
    copy = tmp_path / "downloads" / "album"
    (folder / "loop").unlink()
    assert tree(copy) == tree(folder)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def refused(daemon: Daemon, *words: str | Path) -> tuple[int, str]:
    """The exit code and the sentence of a command that isn't done."""
    done = daemon.run(*words)
    return done.returncode, done.stderr


def senders(daemon: Daemon, cid: str) -> set[str]:
    return {peer["peer_id"] for peer in daemon.ask("info", cid)["peers"] if peer["received"] > 0}


def test_the_third_downloads_from_both(trio_of_nodes, tmp_path):
    alice, bob, carol = trio_of_nodes
    path = make_file(tmp_path / "both.bin", 40 * MIB)
    cid = share(alice, path)
    bob.ask("get", cid, "-o", tmp_path / "bob")
    bob.await_provided(cid)
    carol.ask("get", cid, "-o", tmp_path / "carol")
    assert filecmp.cmp(path, tmp_path / "carol" / path.name, shallow=False)
    assert senders(carol, cid) == {alice.ask("status")["peer_id"], bob.ask("status")["peer_id"]}


def test_a_file_comes_from_the_chosen_peer_and_from_nobody_else(trio_of_nodes, tmp_path):
    alice, bob, carol = trio_of_nodes
    path = make_file(tmp_path / "chosen.bin", 5 * MIB)
    cid = share(alice, path)
    alice_id, bob_id = (each.ask("status")["peer_id"] for each in (alice, bob))
    downloads = tmp_path / "downloads"
    code, said = refused(carol, "download", cid, "from", bob_id, "-o", downloads)
    assert code == 5
    assert "doesn't have it" in said
    bob.ask("get", cid, "-o", tmp_path / "bob")
    code, said = refused(carol, "download", cid, "from", "10.9.8.7", "-o", downloads)
    assert code == 5
    assert "no peer 10.9.8.7 is known" in said
    code, said = refused(carol, "download", cid, "from", "127.0.0.1", "-o", downloads)
    assert code == 8
    assert alice_id in said
    assert bob_id in said
    assert not downloads.exists()
    carol.ask("download", cid, "from", bob.address.split("/p2p/")[0], "-o", downloads)
    assert filecmp.cmp(path, downloads / path.name, shallow=False)
    assert senders(carol, cid) == {bob_id}


def test_two_who_fetch_from_the_same_peer_are_told_of_each_other(trio_of_nodes, tmp_path):
    alice, bob, carol = trio_of_nodes
    shared = alice.ask("share", make_file(tmp_path / "slow.bin", 30 * MIB))["item"]
    alice.ask("limit", shared["cid"], "--up", "500kB")  # so that both are at it for a while
    for daemon in (bob, carol):
        daemon.ask("get", shared["link"], "--detach", "-o", tmp_path / daemon.name)
    news = re.compile(rf"tells of 12D3\w+ for {shared['cid']}")
    try:
        await_that(lambda: news.search(bob.last_words() + carol.last_words()), "one leecher is told of the other")
    finally:
        for daemon in (bob, carol):
            daemon.ask("pause", shared["cid"])


def test_a_link_alone_is_enough_without_any_dht(start, tmp_path):
    alice, bob = start("alice"), start("bob")
    alice.await_ready()
    bob.await_ready()
    path = make_file(tmp_path / "linked.bin", MIB + 3)
    link = alice.ask("share", path)["item"]["link"]
    assert "peer=" in link
    bob.ask("get", link, "-o", tmp_path / "downloads")
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)


def test_connect_by_multiaddr_is_enough_to_find(start, tmp_path):
    alice, bob = start("alice"), start("bob")
    address = alice.await_ready()["addresses"][0]
    bob.await_ready()
    path = make_file(tmp_path / "connected.bin", MIB)
    cid = alice.ask("share", path)["item"]["cid"]
    assert bob.ask("connect", address)["peer_id"] == alice.ask("status")["peer_id"]
    bob.ask("get", cid, "-o", tmp_path / "downloads")
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)


def in_the_middle(item: dict) -> dict | None:
    """The row, if some of BIG has come and some is missing."""
    return item if BIG // 8 < item["bytes_have"] < BIG * 7 // 8 else None


def test_kill_9_of_the_downloader_in_mid_transfer_ends_in_a_verified_file(start, tmp_path):
    alice = start("alice")
    bob = start("bob", alice.await_ready()["addresses"][0])
    bob.await_ready()
    path = make_file(tmp_path / "big.bin", BIG)
    cid = share(alice, path)
    alice.ask("limit", cid, "--up", "20MB")  # so that there is a middle
    bob.ask("get", cid, "-o", tmp_path / "downloads", "--detach")
    half_way = await_that(lambda: in_the_middle(bob.item(cid)), "some of it is here")
    bob.kill()
    bob.restart()
    again = bob.item(cid)
    assert again["bytes_have"] >= half_way["bytes_have"], "nothing that was verified may be lost"
    alice.ask("limit", cid, "--up", "off")
    ended = await_seeding(bob, cid)
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)
    missing = path.stat().st_size - again["bytes_have"]
    assert ended["received"] - again["received"] <= missing, "after the restart only what was missing was fetched"


def test_kill_9_of_one_of_two_seeders_ends_in_a_verified_file(start, tmp_path):
    alice = start("alice")
    address = alice.await_ready()["addresses"][0]
    bob, carol = start("bob", address), start("carol", address)
    bob.await_ready()
    carol.await_ready()
    path = make_file(tmp_path / "big.bin", BIG)
    copy = tmp_path / "copy"
    copy.mkdir()
    os.link(path, copy / path.name)
    cid = share(alice, path)
    assert share(bob, copy / path.name) == cid, "the same content under the same name has the same CID"
    for seeder in (alice, bob):
        seeder.ask("limit", cid, "--up", "10MB")
    carol.ask("get", cid, "-o", tmp_path / "downloads", "--detach")
    await_that(lambda: in_the_middle(carol.item(cid)) and len(senders(carol, cid)) == 2, "both have sent some of it")
    bob.kill()
    assert in_the_middle(carol.item(cid))
    alice.ask("limit", cid, "--up", "off")
    await_seeding(carol, cid)
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)


def test_shares_and_their_provider_records_survive_a_restart(start, tmp_path):
    alice = start("alice")
    bob = start("bob", alice.await_ready()["addresses"][0])
    bob.await_ready()
    path = make_file(tmp_path / "kept.bin", MIB)
    cid = share(alice, path)
    alice.stop()
    alice.restart()
    assert alice.item(cid)["state"] == "Seeding"
    bob.ask("get", cid, "-o", tmp_path / "downloads")
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)


def test_stop_ends_sharing_and_share_begins_it_again(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = make_file(tmp_path / "stopped.bin", 100)
    cid = share(alice, path)
    assert alice.ask("stop", cid)["state"] == "Complete"
    code, said = refused(bob, "get", cid, "-o", tmp_path / "downloads", "--timeout", "1")
    assert code == 5
    assert "no such manifest is shared here" in said
    assert alice.ask("share", path)["new"]
    bob.ask("get", cid, "-o", tmp_path / "downloads")


def test_pause_and_resume(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = make_file(tmp_path / "paused.bin", BIG)
    cid = share(alice, path)
    alice.ask("limit", cid, "--up", "20MB")
    bob.ask("get", cid, "-o", tmp_path / "downloads", "--detach")
    await_that(lambda: bob.item(cid)["bytes_have"] > 0, "it begins")
    bob.ask("pause", cid)
    paused = bob.item(cid)
    assert paused["state"] == "Paused"
    assert bob.item(cid)["bytes_have"] == paused["bytes_have"] < BIG
    alice.ask("limit", cid, "--up", "off")
    bob.ask("resume", cid)
    await_that(lambda: bob.item(cid)["state"] == "Seeding", "it ends")
    assert filecmp.cmp(path, tmp_path / "downloads" / path.name, shallow=False)


def test_a_download_that_was_deleted_can_be_fetched_again(trio_of_nodes, tmp_path):
    alice, bob, _ = trio_of_nodes
    path = make_file(tmp_path / "deleted.bin", 3 * MIB)
    cid = share(alice, path)
    copy = tmp_path / "downloads" / path.name
    bob.ask("get", cid, "-o", copy.parent)
    copy.unlink()
    bob.ask("get", cid, "-o", copy.parent)
    assert filecmp.cmp(path, copy, shallow=False)
