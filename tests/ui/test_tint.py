"""The colours of listings: whether there are any, where they stand, and that they move nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.status import TransferState
from node.ui.capabilities import ColourMode, is_coloured
from node.ui.layout import piped_lines, terminal_lines
from node.ui.screens import available_files, file_details
from node.ui.text import cells
from node.ui.tint import PLAIN, Tint, style_of, tint_for
from node.ui.view_chrome import GLYPHS

SGR = re.compile(r"\x1b\[[0-9;]*m")
TINT = tint_for({"TERM": "xterm-256color"})


@pytest.mark.parametrize(
    ("mode", "is_terminal", "environ", "expected"),
    [
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", False, {"TERM": "xterm"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
        ("auto", False, {"FORCE_COLOR": ""}, False),
        ("auto", True, {"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", True, {"FORCE_COLOR": "1", "TERM": "xterm"}, False),
    ],
)
def test_the_flag_wins_over_no_color_which_wins_over_what_forces(mode, is_terminal, environ, expected):
    assert is_coloured(ColourMode(mode), is_terminal=is_terminal, environ=environ) is expected


def test_each_state_has_the_dashboards_own_style():
    assert {state: style_of("Status", f"{state} 45% (why)") for state in TransferState} == {
        state: style for state, (_, style) in GLYPHS.items()
    }
    assert style_of("File Name", "Complete") == ""


def test_only_the_state_of_a_row_is_coloured(detail):
    line = terminal_lines(available_files([detail.item]), 80, Tint({"up": "\x1b[;35m"}))[5]
    assert line == " 1   ubuntu.iso              2.5 GB     \x1b[;35mSeeding\x1b[m"


def test_a_theme_may_be_chosen_and_a_wrong_one_is_the_usual():
    assert tint_for({"TERM": "xterm"})("x", "up") == tint_for({"TERM": "xterm"}, "no")("x", "up")
    assert tint_for({"TERM": "xterm"}, "mono")("x", "up") == "x"
    assert "38;5;" in tint_for({"TERM": "xterm-256color", "NO_COLOR": "1"}, "cvd")("x", "up")


@given(st.text(), st.sampled_from(TransferState), st.text(), st.integers(1, 200))
def test_colours_change_no_character_of_a_screen_and_hide_none_of_a_names(detail, name, state, reason, width):
    item = replace(detail.item, name=name, state=state, reason=reason)
    for screen in (available_files([item]), file_details(replace(detail, item=item))):
        coloured = terminal_lines(screen, width, TINT)
        assert [SGR.sub("", line) for line in coloured] == terminal_lines(screen, width)
        piped = piped_lines(screen, header=True, tint=TINT)
        assert [SGR.sub("", line) for line in piped] == piped_lines(screen, header=True)


@given(st.lists(st.tuples(st.text("ab 映é…"), st.sampled_from(["", "up"]))), st.integers(1, 20))
def test_a_line_of_pieces_is_never_wider_than_asked(pieces, width):
    assert cells(PLAIN.line(pieces, width)) <= width
    assert SGR.sub("", TINT.line(pieces, width)) == PLAIN.line(pieces, width)
