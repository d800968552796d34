"""How often the dashboard draws: seldom while nobody looks, or for those who read by the cursor; at once for a key."""

from __future__ import annotations

import os
import time

import pytest

from tests.daemons import await_that
from tests.e2e.seat import Seat

MB = 1 << 20
FRAME = b"\x1b[?2026h"
WITHOUT_FOCUS = b"\x1b[O"
WITH_FOCUS = "\x1b[I"


@pytest.fixture
def fetching(start, tmp_path):
    """A node with a download that goes on for minutes."""
    alice = start("alice")
    alice.await_ready()
    (tmp_path / "film.mkv").write_bytes(os.urandom(48 * MB))
    shared = alice.ask("share", tmp_path / "film.mkv")["item"]
    bob = start("bob", alice.address)
    bob.await_ready()
    bob.ask("limit", "--down", "300KB")
    bob.start("get", shared["link"], "-o", tmp_path / "into", "--detach").wait(60)
    await_that(lambda: bob.item(shared["cid"])["bytes_have"], "the download has begun")
    return bob


def frames(at: Seat) -> int:
    return at.raw.count(FRAME)


def seconds_for(at: Seat, count: int) -> float:
    """How long so many more frames took, from the first of them to the last."""
    seen = frames(at)
    await_that(lambda: frames(at) > seen, "a frame is drawn", pause_s=0.005)
    began, seen = time.monotonic(), frames(at)
    await_that(lambda: frames(at) >= seen + count, f"{count} more frames are drawn", pause_s=0.005)
    return time.monotonic() - began


def test_a_window_without_the_keyboard_is_drawn_once_a_second_and_a_key_at_once(fetching, sit):
    at = sit(fetching.home)
    at.opens_dashboard("shoal ui --rate 10")
    at.sees("/film.mkv/")
    assert seconds_for(at, 10) < 5
    at.types(WITHOUT_FOCUS.decode())
    assert seconds_for(at, 3) > 2  # of ten a second, the third would be there in 0.3 s
    at.types("?")
    at.sees("/suspend/", timeout_s=5)
    at.types("?")
    at.types(WITH_FOCUS)
    assert seconds_for(at, 10) < 5
    at.types("q")
    at.sees("code=0")
    assert not at.is_on(1004)


def test_for_those_who_read_by_the_cursor_it_stands_on_the_row_and_little_moves(fetching, sit):
    at = sit(fetching.home, 200, 60)
    at.opens_dashboard("shoal ui --a11y")
    at.sees("/film.mkv/")
    assert seconds_for(at, 3) > 2
    assert at.is_on(25)
    row = next(number for number, line in enumerate(at.text().splitlines()) if line.startswith(">"))
    assert (at.cursor.y, at.cursor.x) == (row, 0)
    assert not any("\u2800" < character <= "\u28ff" for character in at.text()), "no graphs that read as noise"
    at.types("q")
    at.sees("code=0")
