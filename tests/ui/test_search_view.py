"""A search that goes on, as the Search screen draws it at three sizes, and what it drops where there is little room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.status import AskedStatus, HitState, SearchStatus
from node.ui import messages as msg
from node.ui.units import age
from node.ui.view import view
from tests.searches import WALL, hit
from tests.ui.scenes import NEWS, pressed, scene, text_of, told

HITS = (
    hit(1, "linux.iso", 2_500_000_000, 12, copies=4.1, seen_at=WALL - 130),
    hit(2, "linux-tutorial.pdf", 4_000_000, 3, verified=2, copies=2.0, seen_at=WALL - 12),
    hit(3, "linux-kernel.zip", 40_000_000, 5, state=HitState.INCOMPLETE, copies=0.93, seen_at=WALL - 550),
    hit(4, "linux.iso", 2_510_000_000, 1, verified=0, state=HitState.HAVE, seen_at=WALL - 4000),
    hit(5, "linux-映画.mkv", 700_000_000, 2, verified=0, state=HitState.UNVERIFIED),
    hit(6, "linux-mint.iso", 2_100_000_000, 4, state=HitState.DOWNLOADING, copies=4.0, seen_at=WALL - 200_000),
)
ASKED = tuple(AskedStatus(f"12D3KooW{n}", "peers", "answered" if n < 18 else "waiting", 1) for n in range(37))
RUNNING = SearchStatus("linux", "all", 3.2, False, False, HITS, ASKED, 37, ("linux",), 0, number=7)


def running(width: int, height: int, search: SearchStatus = RUNNING):
    return told(scene(width, height, "2", news=replace(NEWS, search=search)), msg.SearchBegun(search))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_golden(golden, size):
    width, height = size
    golden(f"dashboard-searching-{width}x{height}", text_of(view(running(width, height))))


def test_columns_go_in_their_order_and_no_number_is_cut():
    order = ["FILES", "FOUND", "ID", "SEEN", "AVAIL", "STATUS", "PEERS", "SIZE"]
    before: set[str] = set()
    for width in range(20, 130):
        heading = text_of(view(running(width, 24)))[2].split()
        shown = {word for word in order if word in heading}
        assert before <= shown, "what there was room for before"
        assert shown == set(order[len(order) - len(shown) :])
        before = shown
    assert before == set(order)


def test_the_words_that_were_typed_give_way_to_how_far_it_is():
    long = replace(RUNNING, text="very many words that somebody was looking for in vain")
    assert "   6 found   asked 18 of 37 peers   ◐ 3 s ─" in text_of(view(running(80, 24, long)))[1]


def test_what_has_an_age_gets_older_and_what_has_none_stays_so():
    model = told(running(80, 24), msg.Tick(1000.0, WALL + 3600))
    lines = text_of(view(model))[3:9]
    assert [line.split()[-2] for line in lines] == ["1h", "1h", "1h", "2h", "-", "2d"]


def test_as_many_rows_as_fit_are_shown():
    many = tuple(replace(HITS[0], number=n, cid=f"bafyreihit{n}") for n in range(1, 60))
    model, _ = pressed(running(80, 24, replace(RUNNING, hits=many)), "G")
    lines = text_of(view(model))
    assert sum("linux.iso" in line for line in lines) == 24 - 5  # header, title, headings, note and hints
    assert lines[-3].startswith(">  59")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86_399, "23h"),
        (86_400, "1d"),
        (1e12, "999d"),
    ],
)
def test_ages(seconds, words):
    assert age(seconds) == words
