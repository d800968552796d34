"""The Log screen's keys: filter, copy, and where the file is."""

from __future__ import annotations

from node.ui import messages as msg
from node.ui.view import view
from tests.ui.scenes import pressed, scene, text_of, typed


def shown(model) -> str:
    return "\n".join(text_of(view(model)))


def test_a_filter_holds_while_it_is_typed_and_on_this_screen_only():
    model, _ = pressed(scene(80, 24, "6"), "/", *typed("HASH"))
    assert "hash mismatch" in shown(model)
    assert "no space left" not in shown(model)
    model, _ = pressed(model, "enter")
    assert "filter: HASH" in shown(model)
    model, _ = pressed(model, "1")
    assert "ubuntu.iso" in shown(model)
    assert "filter: none" in shown(model)
    model, _ = pressed(model, "6", "esc")
    assert "no space left" in shown(model)


def test_the_newest_line_in_sight_is_copied():
    _, effects = pressed(scene(80, 24, "6"), "y")
    assert effects == [msg.Copy("14:06:31 ERROR partial no space left on device")]
    _, effects = pressed(scene(80, 24, "6"), "k", "y")
    assert effects == [msg.Copy("14:05:52 WARNING downloading ubuntu.iso #77: hash mismatch")]
    assert pressed(scene(80, 24, "6", "/", *typed("nothing like it"), "enter"), "y")[1] == []


def test_where_the_log_is():
    model, _ = pressed(scene(80, 24, "6"), "w")
    assert "/home/ann/.shoal/shoal.log" in shown(model)
