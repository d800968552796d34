"""A ban as a person gives it: on the command line and in the dashboard, with real nodes and over a restart."""

from __future__ import annotations

import os
from contextlib import ExitStack

import pytest

from tests.daemons import await_that
from tests.e2e.seat import Seat

MB = 1_000_000


@pytest.fixture
def seat():
    with ExitStack() as stack:

        def sit(*arguments, **options) -> Seat:
            taken = Seat(*arguments, **options)
            stack.callback(taken.leaves)
            return taken

        yield sit


def test_a_banned_peer_is_gone_stays_away_and_comes_back(start, seat, tmp_path):
    alice = start("alice")
    peer = alice.await_ready()["peer_id"]
    (tmp_path / "film.mkv").write_bytes(os.urandom(30 * MB))
    link = alice.ask("share", tmp_path / "film.mkv")["item"]["link"]
    alice.ask("limit", "--up", "200kB")
    bob = start("bob", alice.address)
    bob.await_ready()
    cid = bob.ask("get", link, "-o", tmp_path / "into", "--detach")["cid"]
    await_that(lambda: bob.item(cid)["bytes_have"] > 0, "something has come")

    at = seat(bob.home, 120, 40)
    at.opens_dashboard()
    at.types("3")
    at.sees("/127.0.0.1.*D.*shoal/")
    at.types("b")
    at.sees("Ban this peer?")
    at.types("y")
    at.sees("/127.0.0.1.* B /")
    assert bob.ask("ban")["peer_id"] == peer
    await_that(lambda: "is banned here" in bob.item(cid)["reason"], "nothing comes any more, and it is said why")
    have = bob.item(cid)["bytes_have"]

    bob.kill()
    bob.restart()
    assert peer not in [row["peer_id"] for row in bob.ask_all("peers") if row["direction"]]
    assert bob.item(cid)["bytes_have"] == have
    assert bob.run("connect", alice.address).returncode != 0

    at.sees("●")
    at.types(f":unban {peer[:12]}\r")
    at.sees("may come back")
    alice.ask("limit", "--up", "off")
    await_that(lambda: bob.item(cid)["state"] == "Seeding", "all of it has come")
    assert bob.ask_all("ban") == []
