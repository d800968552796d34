"""A watched folder between real nodes: what appears in one can be fetched by the other."""

from __future__ import annotations

from tests.daemons import await_that


def test_what_appears_in_a_watched_folder_is_shared_and_what_vanishes_is_not(start, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    alice = start("alice")
    alice.await_ready()
    bob = start("bob", alice.address)
    status = alice.ask("watch", folder)
    assert (status["path"], status["problem"]) == (str(folder), "")

    (folder / "unfinished.part").write_bytes(b"half")
    (folder / "new.txt").write_bytes(b"news")
    (item,) = await_that(lambda: alice.ask_all("list"), "the new file is shared")
    assert (item["name"], item["size"]) == ("new.txt", 4)
    alice.await_provided(item["cid"])
    bob.await_ready()
    bob.ask("get", item["cid"], "-o", tmp_path)
    assert (tmp_path / "new.txt").read_bytes() == b"news"

    (folder / "new.txt").unlink()
    await_that(lambda: not alice.ask_all("list"), "the file that vanished is withdrawn")
    (listed,) = alice.ask_all("watch")
    assert (listed["shared"], listed["waiting"]) == (0, 0)
    alice.ask("unwatch", folder)
    assert alice.ask_all("watch") == []
    assert alice.run("unwatch", folder).returncode == 4
    assert alice.run("watch", tmp_path / "nowhere").returncode == 4
    assert alice.run("watch", alice.home).returncode == 2
