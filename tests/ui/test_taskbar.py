"""What a terminal with a taskbar is told, and which ones are told anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.status import TransferState
from node.ui import messages as msg
from node.ui.capabilities import NO_TASKBAR, has_taskbar
from node.ui.taskbar import taskbar
from tests.ui.scenes import ITEMS, MB, NEWS, an_item, scene, told


def shown(*items):
    return taskbar(scene(news=replace(NEWS, items=items)))


def test_the_bar_is_that_of_all_downloads_together():
    one = an_item(1, "a", TransferState.DOWNLOADING, 100 * MB, 50)
    other = an_item(2, "b", TransferState.DOWNLOADING, 300 * MB, 10)
    seeded = an_item(3, "c", TransferState.SEEDING, 900 * MB, 100)
    assert shown(one, other, seeded) == "\x1b]9;4;1;20\x07"


def test_errors_and_waiting_look_otherwise():
    stalled = an_item(1, "a", TransferState.STALLED, 100 * MB, 50)
    assert shown(stalled).startswith("\x1b]9;4;4;")
    assert shown(stalled, an_item(2, "b", TransferState.ERROR, 100 * MB, 50)) == "\x1b]9;4;2;50\x07"


def test_nothing_is_shown_without_downloads_or_without_a_node():
    assert shown(an_item(1, "a", TransferState.SEEDING, MB, 100)) == NO_TASKBAR
    assert taskbar(told(scene(), msg.Offline("gone", 1.0, 1))) == NO_TASKBAR
    assert taskbar(scene(news=replace(NEWS, items=ITEMS))) != NO_TASKBAR


@pytest.mark.parametrize(
    ("environ", "has"),
    [
        ({}, False),
        ({"TERM_PROGRAM": "iTerm.app"}, False),
        ({"TERM_PROGRAM": "ghostty"}, True),
        ({"WT_SESSION": "1"}, True),
        ({"ConEmuANSI": "ON"}, True),
    ],
)
def test_only_terminals_that_are_known_to_show_it_are_told(environ, has):
    assert has_taskbar(environ) is has
