"""The user's Search Results to the character, and what stands on it when not all is well."""

from __future__ import annotations

from dataclasses import replace

from node.status import HitState
from node.ui.layout import piped_lines, terminal_lines
from node.ui.search_screen import asked_sentence, search_results, under_way
from tests.searches import ASKED, HITS, LINUX, NOTHING, hit


def test_search_results(golden):
    golden("user-search-results", terminal_lines(search_results(LINUX), 80))


def test_claims_that_nobody_has_proved(golden):
    hits = (
        replace(HITS[0], verified=9),
        replace(HITS[1], verified=0, state=HitState.UNVERIFIED),
        hit(3, "linux 映画 \x1b[2J.iso", 1, 1, state=HitState.FALSE, verified=0),
        hit(4, "linux-here.iso", 10, 0, state=HitState.HAVE),
    )
    golden("search-unverified", terminal_lines(search_results(replace(LINUX, hits=hits)), 80))


def test_what_nobody_has_all_of_is_explained():
    screen = search_results(replace(LINUX, hits=(HITS[0], replace(HITS[1], state=HitState.INCOMPLETE, same_as=1))))
    assert [cells[4] for cells in screen.rows] == ["Available", "Incomplete"]
    assert any(line.startswith("Incomplete: ") for line in screen.footer)
    assert not any(line.startswith("Incomplete: ") for line in search_results(LINUX).footer)


def test_nothing_found_says_whom_it_asked(golden):
    golden("search-nothing", terminal_lines(search_results(NOTHING), 80))


def test_the_same_bytes_under_another_name():
    screen = search_results(replace(LINUX, hits=(HITS[0], replace(HITS[1], same_as=1))))
    assert [cells[4] for cells in screen.rows] == ["Available", "Same as 1"]
    assert "Same as 1: the same bytes as hit 1, under another name." in screen.footer
    here = search_results(replace(LINUX, hits=(HITS[0], replace(HITS[1], same_as=1, state=HitState.HAVE))))
    assert here.rows[1][4] == "Have it"


def test_in_a_pipe(golden):
    golden("search-piped", piped_lines(search_results(LINUX), header=True))


def test_whom_a_search_has_asked():
    assert asked_sentence(LINUX) == (
        "asked 16 of 37 connected peers; the DHT named 2 peers for 'linux'; 16 answered, 1 busy, 1 didn't answer"
    )
    assert asked_sentence(replace(LINUX, scope="local")) == "looked on this node only, and asked nobody"
    assert asked_sentence(replace(LINUX, scope="peers", keywords=(), asked=())) == (
        "asked 0 of 37 connected peers; nobody to ask"
    )
    assert "no word of this" in asked_sentence(replace(NOTHING, keywords=()))


def test_how_it_goes_on():
    waiting = (*ASKED[:2], replace(ASKED[2], reply="waiting"))
    assert under_way(replace(LINUX, asked=waiting, is_over=False)) == "3 found, 2 of 3 peers done"
    assert under_way(LINUX) == "3 found, 18 of 18 peers done; checking who has it"
