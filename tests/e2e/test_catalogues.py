"""What a neighbour's neighbour shares is found by a newcomer without asking anybody, until it is shared no more."""

from __future__ import annotations

from tests.daemons import await_that, results_of


def test_a_newcomer_finds_what_its_neighbours_know_of(start, tmp_path):
    hub = start("hub", options=("--no-catalogue",))
    address = hub.await_ready()["addresses"][0]
    sharer = start("sharer", address)
    newcomer = start("newcomer", address)
    for daemon, name in ((sharer, "red fish.txt"), (hub, "secret fish.txt")):
        daemon.await_ready()
        (tmp_path / name).write_text(name)
        daemon.ask("share", tmp_path / name)
    newcomer.await_ready()

    def found():
        return [hit["name"] for hit in results_of(newcomer.run("search", "--local", "fish", "--json").stdout)]

    await_that(lambda: found() == ["red fish.txt"], "the newcomer knows what the sharer has")
    status = newcomer.ask("status")
    assert (status["catalogues"], status["catalogue_entries"]) == (1, 1)
    sharer.ask("stop", "1")
    await_that(lambda: not found(), "the newcomer has heard that it is shared no more")
    assert newcomer.ask("status")["catalogues"] == 0
