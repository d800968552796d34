"""`shoal search` on one node finds what another one shares, by a word, and `shoal download 1` fetches it."""

from __future__ import annotations

import json

from tests.daemons import await_that, results_of


def test_search_and_download_by_number(start, tmp_path):
    hub = start("hub")
    address = hub.await_ready()["addresses"][0]
    sharer = start("sharer", address)
    sharer.await_ready()
    files = tmp_path / "files"
    files.mkdir()
    (files / "Linux Handbuch für Anfänger.pdf").write_bytes(b"chapter one\n" * 200_000)
    for name in ("linux-kernel.zip", "my copy of linux.zip"):
        (files / name).write_bytes(b"zip" * 1000)
    for path in files.iterdir():
        sharer.await_provided(sharer.ask("share", path)["item"]["cid"])
    searcher = start("searcher", address)
    searcher.await_ready()

    def found():
        done = searcher.run("search", "anfanger", "LINUX", "--json")
        return [hit for hit in results_of(done.stdout) if hit["state"] == "Available"]

    (hit,) = await_that(found, "the share is found and its sharer has proved to have it")
    assert (hit["number"], hit["name"]) == (1, "Linux Handbuch für Anfänger.pdf")
    assert hit["claimed"] == hit["verified"] == 1
    target = tmp_path / "fetched"
    target.mkdir()
    done = searcher.run("download", "1", "-o", target)
    assert done.returncode == 0, done.stderr
    assert (target / hit["name"]).read_bytes() == (files / hit["name"]).read_bytes()
    assert results_of(searcher.run("search", "anfänger", "--json").stdout)[0]["state"] == "Have it"

    def same():
        return [(hit["number"], hit["same_as"]) for hit in searcher.ask_all("search", "ext:zip", "linux")]

    await_that(lambda: same() == [(1, None), (2, 1)], "two names of the same bytes are told apart from two files")
    assert asked(searcher, "linux", "--local")["asked"] == []
    nothing = asked(searcher, "nobody", "shares", "this", "--timeout", "60")
    assert nothing["hits"] == []
    assert nothing["asked"]
    assert nothing["keywords"] == ["nobody", "shares", "this"]
    assert nothing["seconds"] < 60, "once everybody has answered nothing is waited for"


def asked(searcher, *words):
    """How a search went, as its last progress event tells it."""
    events = map(json.loads, searcher.run("search", *words, "--json").stdout.splitlines())
    return [event for event in events if event["event"] == "progress"][-1]
