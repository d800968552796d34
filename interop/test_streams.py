"""Streams and connections between shoal's connection layer and go-libp2p's: what TCP, Noise and yamux promise."""

from __future__ import annotations

import pytest
from processes import Processes

WAYS = [("py", "go"), ("go", "py")]
MANY = 200
SIZE = 100_000
HELD_SIZE = 32 << 20
SMALLEST, LARGEST = 15 << 14, 17 << 20
"""What a stream takes that nobody reads: a window but for the protocol's name, up to two of the largest."""


@pytest.fixture(scope="module")
def addresses(lasting: Processes) -> dict[str, str]:
    """Somebody of each kind who answers."""
    return {"py": lasting.py("answer").address, "go": lasting.go("answer").address}


@pytest.mark.parametrize(("prober", "answerer"), WAYS)
def test_many_streams_at_once_each_get_their_own_back(here, addresses, prober, answerer):
    """Each ends its own direction, and hears everything after that."""
    probe(here, prober, "echo", addresses[answerer], "--count", str(MANY))


@pytest.mark.parametrize(("prober", "answerer"), WAYS)
def test_who_hears_the_end_may_still_send(here, prober, answerer):
    other = start(here, answerer)
    probe(here, prober, "early", other.address)
    assert other.await_event("swallowed")["bytes"] == SIZE


@pytest.mark.parametrize(("prober", "answerer"), WAYS)
def test_a_reset_is_no_end_and_the_connection_stays(here, prober, answerer):
    """Whoever resets: who opened the stream, or who accepted it."""
    other = start(here, answerer)
    probe(here, prober, "reset", other.address)
    assert not other.all("broken")
    probe(here, prober, "abandon", other.address)
    assert other.await_event("broken")


@pytest.mark.parametrize(("prober", "answerer"), WAYS)
def test_who_does_not_read_holds_up_one_stream_only(here, prober, answerer):
    """The writer stops at a window; others are answered; then all of it arrives."""
    other = start(here, answerer)
    held = probe(here, prober, "held", other.address).await_event("held")
    assert SMALLEST <= held["bytes"] <= LARGEST
    assert other.await_event("swallowed")["bytes"] == HELD_SIZE


@pytest.mark.parametrize(("prober", "answerer"), WAYS)
def test_a_connection_that_is_closed_ends_its_streams_and_may_be_opened_again(here, addresses, prober, answerer):
    """It ends with yamux's GO_AWAY, then TCP's end."""
    probe(here, prober, "leave", addresses[answerer])


def test_streams_go_on_after_go_away(here, addresses):
    """Go says that it takes no more streams; the one that it has open is still answered."""
    probe(here, "go", "goaway", addresses["py"])


@pytest.mark.slow
@pytest.mark.parametrize(("sender", "receiver"), WAYS)
def test_a_bare_stream_carries_much(here, sender, receiver):
    size = str(256 << 20)
    assert start(here, sender, "pour", start(here, receiver, "sink").address, "--bytes", size).result("poured", 120.0)


def start(here: Processes, kind: str, command: str = "answer", *words: str):
    """A peer of this kind."""
    return {"py": here.py, "go": here.go}[kind](command, *words)


def probe(here: Processes, kind: str, what: str, address: str, *words: str):
    """A peer of this kind that has seen what it was to see."""
    prober = start(here, kind, "probe", what, address, *(words or ("--count", "1")))
    prober.result("probed")
    return prober
