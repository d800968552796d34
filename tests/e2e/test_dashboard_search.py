"""Searching in the dashboard among real nodes: what a hit tells, who has it, and a search that is stopped by Esc."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from node.control.client import ControlClient
from node.folder import DataFolder
from tests.daemons import ENVIRONMENT, SHOAL, Daemon, await_that
from tests.e2e.seat import Seat

MB = 1 << 20
SEARCH = ":search linux --peers --timeout 600\r"
"""As long as somebody who never answers is waited for."""


@pytest.fixture(scope="module")
def searcher(tmp_path_factory) -> Iterator[Daemon]:
    """A node that is connected to two that share `linux film.mkv`, and to a `hub` without it."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "linux film.mkv").write_bytes(os.urandom(3 * MB))
    with ExitStack() as stack:

        def start(name: str, *bootstrap: str) -> Daemon:
            daemon = Daemon(folder, name, *bootstrap)
            stack.callback(daemon.stop)
            daemon.await_ready()
            return daemon

        hub = start("hub")
        searcher = start("searcher", hub.address)
        for sharer in (start("alice", hub.address), start("bob", hub.address)):
            sharer.ask("share", folder / "linux film.mkv")
            searcher.ask("connect", sharer.address)
        await_that(lambda: _found_by(searcher) == 2, "both sharers have proved to have it")
        searcher.hub = hub
        yield searcher


@pytest.fixture
def stall(searcher) -> Iterator[Callable[[], None]]:
    """Stop the hub in its tracks: it is asked like others, and not given up for a quarter of a minute."""
    hub = searcher.hub
    searcher.ask("connect", hub.address)
    yield lambda: os.kill(hub.process.pid, signal.SIGSTOP)
    os.kill(hub.process.pid, signal.SIGCONT)


def _found_by(node: Daemon) -> int:
    return max((hit["verified"] for hit in node.ask_all("search", "linux", "--peers")), default=0)


def call(node: Daemon, method: str, **params: object):
    with ControlClient(DataFolder(node.home).socket) as client:
        return client.call(method, params, timeout_s=60.0)


@pytest.fixture
def at(searcher, request) -> Iterator[Seat]:
    """A seat before its dashboard; its size may be a parameter."""
    with ExitStack() as stack:
        taken = Seat(searcher.home, *getattr(request, "param", (80, 24)))
        stack.callback(taken.leaves)
        taken.opens_dashboard()
        yield taken


@pytest.fixture
def another(searcher) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Have another program search for something else, and wait as long."""
    with ExitStack() as stack:

        def search() -> subprocess.Popen[bytes]:
            words = [SHOAL, "--home", searcher.home, "search", "film", "--peers", "--timeout", "600", "--json"]
            program = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
            stack.callback(program.wait, 60)
            stack.callback(program.kill)
            await_that(lambda: call(searcher, "search_latest")["text"] == "film", "the other search has begun")
            return program

        yield search


@pytest.mark.parametrize("at", [(80, 24), (120, 40), (200, 60)], indirect=True)
def test_a_search_is_stopped_by_escape_and_keeps_what_it_has_found(searcher, at, stall):
    stall()
    at.types(SEARCH)
    at.sees("/>   1 linux film.mkv +3.15 MB +2 +2.00 Available +\\d+s bafy/")
    at.sees("/1 found   asked 2 of 3 peers   ◐ \\d+ s/")
    at.sees("/Enter.d download  i info  p peers  n new search  . filter  Esc stop searching/")
    at.types("\x1b")
    at.sees("/1 found   asked 2 of 3 peers   stopped, \\d+.\\d s/")
    at.sees('stopped searching for "linux"')
    at.sees("/>   1 linux film.mkv +3.15 MB +2 +2.00 Available/")
    replies = [asked["reply"] for asked in call(searcher, "search_latest")["asked"]]
    assert sorted(replies) == ["answered", "answered", "not waited for"]
    at.sees("Esc back")
    at.types("\x1b")
    at.sees("[1 Transfers]")


def test_escape_leaves_another_programs_search_alone(searcher, at, stall, another):
    stall()
    at.types(SEARCH)
    at.sees("Esc stop searching")
    mine = call(searcher, "search_latest")["number"]
    program = another()
    at.sees('Search Results: "film"')  # the latest is what numbers mean, though it isn't this dashboard's
    at.sees("Esc back")
    at.types("\x1b")
    at.sees("[1 Transfers]")
    assert call(searcher, "search_stop", number=mine)["is_stopped"]
    latest = call(searcher, "search_latest")
    assert (latest["text"], latest["is_stopped"], latest["is_over"]) == ("film", False, False)
    program.kill()
    await_that(lambda: call(searcher, "search_latest")["is_stopped"], "whoever asked has gone, its search with it")


def test_the_command_stops_whatever_search_goes_on(searcher, at, stall):
    stall()
    at.types(SEARCH)
    at.sees("Esc stop searching")
    done = searcher.run("search", "--stop")
    assert (done.returncode, done.stdout) == (0, 'Stopped the search for "linux"; 1 hit found\n')
    at.sees("/stopped, \\d+.\\d s/")
    done = searcher.run("search", "--stop")
    assert (done.returncode, "no search is going on" in done.stderr) == (4, True)


def test_who_has_a_hit_is_shown_and_it_is_fetched_from_one_of_them(at):
    at.types(SEARCH)
    at.sees("/linux film.mkv +3.15 MB +2 +2.00 Available/")
    at.types("p")
    at.sees("Peers Sharing - linux film.mkv  (2 known, 2 proved it)")
    at.sees("/(?s)1 127.0.0.1 .*100%.*2 127.0.0.1 .*100%/")
    at.types("\x1b")
    at.sees("/Search Results: .linux/")
    at.types("i")
    at.sees("2.00 copies among those who proved it: every chunk is there")
    at.types("\x1b")
    at.sees("Enter/d download")
    at.types("d")
    at.sees("File Details - linux film.mkv")
    at.sees("/Progress: +\\[█+\\] 100%/")
    at.types("2")
    at.sees("/linux film.mkv .*Have it ✓/")
