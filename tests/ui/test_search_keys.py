"""Searching from the dashboard: a key, a word, and a row taken by its number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.status import HitState
from node.ui import messages as msg
from node.ui.model import Screen
from node.ui.rows import ids
from node.ui.view import view
from tests.searches import HITS, LINUX
from tests.ui.scenes import NEWS, NOW, PEERS, pressed, scene, text_of, told, typed

GONE = msg.Offline("the node went away", NOW + 3, 4)


def test_n_asks_for_words_and_enter_searches():
    model, effects = pressed(scene(), "n", *typed("linux mint"), "enter")
    assert model.screen is Screen.SEARCH
    params = (("text", "linux mint"), ("scope", "all"), ("wait", False))
    assert effects == [msg.Request("search", params, 'searching for "linux mint"')]


@pytest.mark.parametrize(
    ("line", "scope"),
    [("search --local x", "local"), ("search x --peers", "peers"), ("search --peers --local x", "local")],
)
def test_where_to_look(line, scope):
    _, effects = pressed(scene(), ":", *typed(line), "enter")
    assert dict(effects[0].params) == {"text": "x", "scope": scope, "wait": False}


def test_how_long_to_be_patient():
    _, effects = pressed(scene(), ":", *typed("search --timeout 60 x y"), "enter")
    assert dict(effects[0].params) == {"text": "x y", "scope": "all", "wait": False, "patience_s": 60.0}
    for wrong in ("search x --timeout", "search --timeout soon x"):
        model, effects = pressed(scene(), ":", *typed(wrong), "enter")
        assert (effects, model.toast.is_error) == ([], True)


@pytest.mark.parametrize("key", ["d", "enter"])
def test_the_selected_hit_is_downloaded(key):
    model, effects = pressed(scene(80, 24, "2", "j"), key)
    assert effects == [msg.RunLine(f"get {HITS[1].cid}", None)]
    assert model.toast.text == "→ #2 linux-tutorial.pdf"


def test_what_is_here_already_is_not_fetched_again():
    search = replace(LINUX, hits=(replace(HITS[0], state=HitState.HAVE),))
    model, effects = pressed(scene(80, 24, "2", news=replace(NEWS, search=search)), "d")
    assert effects == []
    assert "is here already" in model.toast.text


def test_without_hits_or_node_nothing_is_asked():
    assert pressed(scene(80, 24, "2", news=replace(NEWS, search=None)), "d")[1] == []
    gone = told(scene(80, 24, "2"), GONE)
    assert pressed(gone, "d")[1] == pressed(gone, ":", *typed("search x"), "enter")[1] == []


def test_newer_hits_stand_below_and_the_selected_row_stays():
    model = scene(80, 24, "2", "j")
    more = replace(LINUX, hits=(*HITS, replace(HITS[0], number=4, cid="bafyreinew")))
    model = told(model, replace(NEWS, search=more))
    assert ids(model) == [*(hit.cid for hit in HITS), "bafyreinew"]
    assert pressed(model, "d")[1] == [msg.RunLine(f"get {HITS[1].cid}", None)]


def test_the_same_bytes_under_another_name_are_told():
    same = replace(LINUX, hits=(*HITS[:2], replace(HITS[2], same_as=1)))
    assert "Same as 1" in text_of(view(scene(80, 24, "2", news=replace(NEWS, search=same))))[5]


# --- stopping -------------------------------------------------------------------------------------------------------

RUNNING = replace(LINUX, number=7, is_over=False, is_checked=False)
STOP = msg.Request("search_stop", (("number", 7),), 'stopped searching for "linux"')


def searching(*keys: str, search=RUNNING, own: int | None = 7):
    """On the screen of a search that goes on, begun here if it is `own`."""
    model = told(scene(80, 24, "2"), replace(NEWS, search=search))
    return pressed(model if own is None else told(model, msg.SearchBegun(replace(search, number=own))), *keys)


def hinted(model) -> str:
    return text_of(view(model))[-1]


@pytest.mark.parametrize("is_over", [False, True])
def test_escape_stops_a_search_that_goes_on_and_says_so_before(is_over):
    model, _ = searching(search=replace(RUNNING, is_over=is_over))
    assert hinted(model).startswith(" Enter/d download  i info  p peers  n new search  / filter  Esc stop searching")
    model, effects = pressed(model, "esc")
    assert (effects, model.screen) == ([STOP], Screen.SEARCH)


def test_what_was_stopped_keeps_its_hits_and_escape_goes_back():
    model, _ = searching("esc")
    stopped = replace(RUNNING, is_over=True, is_checked=True, is_stopped=True, seconds=3.21)
    model = told(model, replace(NEWS, search=stopped))
    assert "3 found   asked 18 of 18 peers   stopped, 3.2 s" in text_of(view(model))[1]
    assert ids(model) == [hit.cid for hit in HITS]
    assert "Esc back" in hinted(model)
    model, effects = pressed(model, "esc")
    assert (effects, model.screen) == ([], Screen.TRANSFERS)


def test_peers_that_were_not_waited_for_were_not_asked_to_the_end():
    asked = (replace(LINUX.asked[0], reply="not waited for"), *LINUX.asked[1:])
    stopped = replace(LINUX, asked=asked, is_stopped=True, hits=())
    shown = "\n".join(text_of(view(scene(80, 24, "2", news=replace(NEWS, search=stopped)))))
    assert "asked 17 of 18 peers   stopped, 0.4 s" in shown
    assert "Nothing found until it was stopped." in shown


@pytest.mark.parametrize(
    ("search", "own"),
    [
        (RUNNING, None),  # another program's
        (RUNNING, 6),
        (replace(RUNNING, is_over=True, is_checked=True), 7),
    ],
)
def test_escape_goes_back_from_another_programs_search_and_from_one_that_has_ended(search, own):
    model, _ = searching(own=own)
    model = told(model, replace(NEWS, search=search))
    assert "Esc back" in hinted(model)
    model, effects = pressed(model, "esc")
    assert (effects, model.screen) == ([], Screen.TRANSFERS)


def test_a_filter_is_taken_away_first():
    model, effects = searching("/", *typed("tutorial"), "enter")
    assert "Esc back" in hinted(model)
    model, effects = pressed(model, "esc")
    assert (effects, model.filter) == ([], "")
    assert pressed(model, "esc")[1] == [STOP]


def test_on_other_screens_escape_is_what_it_always_is():
    model, effects = searching("4", "esc")
    assert (effects, model.screen) == ([], Screen.TRANSFERS)


def test_a_node_that_starts_anew_counts_anew_and_its_searches_are_not_ours():
    model, _ = searching()
    model = told(model, GONE, msg.Online(), replace(NEWS, search=RUNNING))
    assert pressed(model, "esc")[1] == []


def test_the_prompt_stops_whatever_search_goes_on():
    _, effects = pressed(scene(), ":", *typed("search --stop"), "enter")
    assert effects == [msg.Request("search_stop", (), "stopped searching")]
    assert pressed(told(scene(), GONE), ":", *typed("search --stop"), "enter")[1] == []


# --- sorting --------------------------------------------------------------------------------------------------------

MIXED = (
    replace(HITS[0], copies=0.5, seen_at=None),
    replace(HITS[1], verified=1, claimed=9, state=HitState.INCOMPLETE),
    replace(HITS[2], copies=None, seen_at=HITS[0].seen_at + 60),
)


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        ("name", [3, 2, 1]),
        ("size", [1, 3, 2]),
        ("peers", [1, 3, 2]),
        ("avail", [2, 1, 3]),
        ("state", [1, 3, 2]),
        ("seen", [3, 2, 1]),
    ],
)
def test_hits_are_sorted_when_told_to_and_keep_their_numbers(key, numbers):
    model = scene(80, 24, "2", news=replace(NEWS, search=replace(LINUX, hits=MIXED)))
    model, _ = pressed(model, ":", *typed(f"sort {key}"), "enter")
    assert ids(model) == [HITS[number - 1].cid for number in numbers]
    shown = text_of(view(model))
    assert f"3 of 3 hits   sort: {key} ▾   filter: none" in shown[-2]


def test_sorted_rows_do_not_move_either_and_another_search_has_its_own_order():
    model, _ = pressed(scene(80, 24, "2"), "s", "3")  # by size
    before = ids(model)
    assert before == [HITS[0].cid, HITS[2].cid, HITS[1].cid]
    more = (*HITS[:2], replace(HITS[2], size=1), replace(HITS[0], number=4, cid="bafyreinew", size=9**12))
    model = told(model, replace(NEWS, search=replace(LINUX, hits=more)))
    assert ids(model) == [*before, "bafyreinew"]
    model, _ = pressed(model, "s", "3")
    assert ids(model)[-1] == "bafyreinew"  # the same column again turns the order round
    model = told(model, replace(NEWS, search=replace(LINUX, number=9)))
    assert ids(model) == [hit.cid for hit in HITS]
    assert "do not move while you look" in text_of(view(model))[-2]


def test_a_click_on_a_heading_sorts():
    model = scene(80, 24, "2")
    x = text_of(view(model))[2].index("SIZE")
    assert ids(told(model, msg.Mouse("click", x, 2))) == [HITS[0].cid, HITS[2].cid, HITS[1].cid]


# --- who has it -----------------------------------------------------------------------------------------------------


def test_the_peers_of_a_hit_are_shown_and_one_can_be_chosen():
    model, _ = pressed(scene(80, 24, "2", "j"), "p")
    assert (model.screen, model.peers_of) == (Screen.PEERS, HITS[1].cid)
    model = told(model, replace(NEWS, peers=PEERS[:2], peers_of=HITS[1].cid))
    assert "Peers Sharing - linux-tutorial.pdf  (3 known, 3 proved it)" in text_of(view(model))[1]
    chosen, _ = pressed(model, "enter")
    assert chosen.prompt.edit.text == f"download {HITS[1].cid} from 192.168.1.10"
    assert pressed(model, "esc")[0].screen is Screen.SEARCH


def test_of_a_hit_that_is_in_the_list_they_are_the_files():
    search = replace(LINUX, hits=(replace(HITS[0], cid=NEWS.items[0].cid, state=HitState.DOWNLOADING),))
    model, _ = pressed(scene(80, 24, "2", news=replace(NEWS, search=search)), "p")
    assert "Peers Sharing - ubuntu.iso" in text_of(view(model))[1]
    assert pressed(model, "esc")[0].screen is Screen.TRANSFERS
    assert pressed(scene(80, 24, "2", news=replace(NEWS, search=None)), "p")[0].screen is Screen.SEARCH


def test_what_is_lacking_is_said_before_it_is_fetched():
    search = replace(LINUX, hits=(replace(HITS[0], copies=0.93, state=HitState.INCOMPLETE),))
    model, effects = pressed(scene(80, 24, "2", news=replace(NEWS, search=search)), "d")
    assert model.toast.text == "→ #1 linux.iso; of it only 0.93 copies are known"
    assert len(effects) == 1


def test_the_id_of_a_hit_is_copied():
    assert pressed(scene(80, 24, "2"), "y")[1] == [msg.Copy(HITS[0].cid)]


def test_a_filter_leaves_every_hit_its_number():
    model, _ = pressed(scene(80, 24, "2"), "/", *typed("tutorial"), "enter")
    assert ids(model) == [HITS[1].cid]
    assert pressed(model, "d")[1] == [msg.RunLine(f"get {HITS[1].cid}", None)]
    model, _ = pressed(model, "esc")
    assert ids(model) == [hit.cid for hit in HITS]
    model, _ = pressed(model, "/", *typed("tutorial"), "enter", "n", *typed("mint"), "enter")
    assert model.filter == ""


def test_what_a_hit_is():
    model, _ = pressed(scene(80, 24, "2"), "i")
    shown = "\n".join(text_of(view(model)))
    assert HITS[0].name in shown
    assert HITS[0].cid[:40] in shown
    assert "4.10 copies among those who proved it: every chunk is there" in shown
    assert "3 min ago a peer said or proved that it has it" in shown
    hearsay = replace(HITS[0], copies=None, seen_at=None)
    model, _ = pressed(scene(80, 24, "2", news=replace(NEWS, search=replace(LINUX, hits=(hearsay,)))), "i")
    assert "\n".join(text_of(view(model))).count("not known: ") == 2
    here = replace(LINUX, hits=(replace(HITS[0], cid=NEWS.items[2].cid, state=HitState.HAVE),))
    model, _ = pressed(scene(80, 24, "2", news=replace(NEWS, search=here)), "i")
    assert model.details == NEWS.items[2].cid
