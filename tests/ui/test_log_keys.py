"""The Log screen's keys: filter, copy, and where the file is."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from node.ui import messages as msg
from node.ui.model import REMARKS
from node.ui.view import view
from tests.ui.scenes import LOG, NEWS, NOW, pressed, scene, text_of, told, typed

HALF_PAST_TWO_UTC = 1_771_597_500.0  # 2026-02-20 14:25: between lines of the scene's log


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


@pytest.fixture
def utc(monkeypatch):
    with monkeypatch.context() as changed:
        changed.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("utc")
def test_what_the_status_line_has_said_stands_in_the_log_at_its_time():
    during = replace(NEWS, log=(*LOG[:2], "  File x, a traceback's line", LOG[2].replace("14:05:52", "15:05:52")))
    model = told(scene(), msg.Tick(NOW + 1, HALF_PAST_TWO_UTC), msg.Said("no room\x1b[2J", is_error=True), during)
    lines = text_of(view(pressed(model, "6")[0]))[2:5]
    assert [line.split()[:3] for line in lines] == [
        ["14:02:11", "INFO", "app"],
        ["File", "x,", "a"],
        ["14:25:00", "ERROR", "dashboard"],
    ]
    assert lines[2].endswith("no room␛[2J")
    assert "15:05:52 WARN" in text_of(view(pressed(model, "6")[0]))[5]


def test_the_log_keeps_what_was_said_lately_and_stands_still_while_frozen():
    model = told(scene(80, 24, "6"), msg.Tick(NOW + 1, HALF_PAST_TWO_UTC + 1e5))
    model = told(model, *(msg.Said(f"sentence {number}") for number in range(2 * REMARKS)))
    assert len(model.data.remarks) == REMARKS
    assert f"sentence {2 * REMARKS - 1}" in text_of(view(model))[-3]
    frozen, _ = pressed(model, "F")
    assert text_of(view(told(frozen, msg.Said("later"))))[1:-2] == text_of(view(frozen))[1:-2]


def test_a_long_line_that_came_again_still_says_how_often():
    line = f"{LOG[0]} {'x' * 200}"
    assert text_of(view(scene(80, 24, "6", news=replace(NEWS, log=(line, line, line)))))[2].endswith("x… (x3)")


def test_what_is_shown_is_written_to_a_file():
    model, effects = pressed(scene(80, 24, "6", "l", "l"), "w")
    assert effects == [msg.WriteLog(("2026-02-20 14:06:31 ERROR partial no space left on device (x2)",))]
    odd = replace(NEWS, log=("\x1b[2Jodd",))
    assert pressed(scene(80, 24, "6", news=odd), "w")[1] == [msg.WriteLog(("␛[2Jodd",))]
    model, effects = pressed(scene(80, 24, "6", "/", *typed("nothing like it"), "enter"), "w")
    assert not effects
    assert "nothing to write" in shown(model)
