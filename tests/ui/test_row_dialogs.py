"""The dialogs about rows: what a cancelled download leaves, and whose limit is meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.ui import messages as msg
from node.ui.view import view
from tests.ui.scenes import ITEMS, NEWS, NODE, pressed, scene, text_of


def requests(effects: list[msg.Effect]) -> list[tuple[str, dict[str, object]]]:
    return [(effect.method, dict(effect.params)) for effect in effects if isinstance(effect, msg.Request)]


@pytest.mark.parametrize(("key", "deletes"), [("k", False), ("D", True)])
def test_cancelling_asks_what_becomes_of_what_was_fetched(key, deletes):
    model, effects = pressed(scene(), "x")
    assert not effects
    assert "delete what was fetched" in "\n".join(text_of(view(model)))
    model, effects = pressed(model, key)
    assert requests(effects) == [("cancel", {"target": ITEMS[0].cid, "delete": deletes})]
    assert model.dialog is None


def test_cancelling_says_that_files_in_their_place_are_among_what_was_fetched():
    chosen = replace(ITEMS[0], skipped_files=2, files=3)
    model, _ = pressed(scene(news=replace(NEWS, items=(chosen, *ITEMS[1:]))), "x")
    assert "files in their place" in "\n".join(text_of(view(model)))


@pytest.mark.parametrize("key", ["esc", "q", "d", "y", "space", "backspace", "delete"])
def test_no_other_key_cancels_anything(key):
    model, _ = pressed(scene(), "x")
    _, effects = pressed(model, key)
    assert not effects


def test_enter_takes_the_answer_that_is_marked_and_destroys_nothing():
    model, _ = pressed(scene(), "x")
    shown = text_of(view(model))
    assert [line.partition("(default)")[1] for line in shown if "what was fetched" in line] == ["(default)", ""]
    assert shown[-1] == " k keep  D delete  Esc back"
    model, effects = pressed(model, "enter")
    assert requests(effects) == [("cancel", {"target": ITEMS[0].cid, "delete": False})]
    assert model.dialog is None
    for keys in (("j", "S"), ("Q",), ("3", "b")):
        model, _ = pressed(scene(), *keys)
        assert "go on   (default)" in "\n".join(text_of(view(model))), keys
        model, effects = pressed(model, "enter")
        assert (model.dialog, effects) == (None, []), keys


def test_a_paused_download_can_be_cancelled_and_a_share_cannot():
    model, _ = pressed(scene(), "j", "j", "j", "x")
    assert model.dialog.ids == (ITEMS[3].cid,)
    model, _ = pressed(scene(), "j", "x")
    assert model.dialog is None


@pytest.mark.parametrize(
    ("key", "typed"),
    [("d", "limit 1 --down "), ("u", "limit 1 --up "), ("D", "limit --down "), ("U", "limit --up ")],
)
def test_a_limit_is_typed_as_the_command_that_it_is(key, typed):
    model, _ = pressed(scene(), "L", key)
    assert model.prompt.edit.text == typed


def test_limits_are_told_where_they_are_changed_and_on_the_rows():
    limited = replace(ITEMS[0], down_limit_bps=2.5e6, up_limit_bps=0.0)
    news = replace(NEWS, items=(limited, *ITEMS[1:]), node=replace(NODE, up_limit_bps=1e6), detail=None)
    model = scene(200, 60, "L", news=news)
    shown = "\n".join(text_of(view(model)))
    assert "▼ 2.5 MB/s" in shown
    assert "nothing may pass" in shown
    assert "▼2.5M ▲0" in shown


def test_a_peer_is_chosen_by_the_command_that_says_so():
    model, effects = pressed(scene(80, 24, "3"), "j", "enter")
    assert not effects
    assert model.prompt.edit.text == "download 1 from 192.168.1.15"
    model, _ = pressed(scene(80, 24, "3", "a"), "enter")
    assert model.prompt is None
