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
from tests.ui.scenes import NEWS, NOW, pressed, scene, text_of, told, typed

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
    here = replace(LINUX, hits=(replace(HITS[0], cid=NEWS.items[2].cid, state=HitState.HAVE),))
    model, _ = pressed(scene(80, 24, "2", news=replace(NEWS, search=here)), "i")
    assert model.details == NEWS.items[2].cid
