"""A watched folder between real nodes: what appears in one can be fetched by the other."""

from __future__ import annotations

from tests.daemons import await_that, results_of


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


def test_a_folder_is_followed_by_those_who_search_over_a_restart_too(start, tmp_path):
    """Renamed, changed, moved with its folder, and while the node was down: what is found is what is there."""
    folder = tmp_path / "shared"
    (folder / "more").mkdir(parents=True)
    (folder / "wombat one.txt").write_bytes(b"one")
    (folder / "more" / "wombat two.txt").write_bytes(b"two")
    alice = start("alice")
    alice.await_ready()
    bob = start("bob", alice.address)
    bob.await_ready()
    alice.ask("watch", folder)

    def found():
        done = bob.run("search", "wombat", "--peers", "--json")
        return {hit["name"]: hit["size"] for hit in results_of(done.stdout) if hit["state"] == "Available"}

    await_that(lambda: found() == {"wombat one.txt": 3, "wombat two.txt": 3}, "both are found")
    (folder / "wombat one.txt").rename(folder / "wombat uno.txt")
    (folder / "more").rename(folder / "less")
    (folder / "less" / "wombat two.txt").write_bytes(b"two and more")
    await_that(lambda: found() == {"wombat uno.txt": 3, "wombat two.txt": 12}, "a new name and a new content are found")

    alice.stop()
    (folder / "wombat uno.txt").unlink()
    (folder / "wombat tre.txt").write_bytes(b"three")
    alice.restart()
    bob.ask("connect", alice.address)
    await_that(lambda: found() == {"wombat tre.txt": 5, "wombat two.txt": 12}, "what happened meanwhile is found")
