"""Frames to bytes, as an emulator of the other side sees them: a diff ends where a full redraw does."""

from __future__ import annotations

import re
from dataclasses import replace

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.ui.diff import encode
from node.ui.frame import Frame, fit
from node.ui.theme import THEMES, style_sequences
from node.ui.view import view
from tests.ui.scenes import ITEMS, NEWS, scene

STYLES = style_sequences("shoal", 256)
PIECES = st.sampled_from(["a", "bc", "映画", "é", "e\u0301\u0302", "█▌·", "⣷⣾", " " * 9, "x" * 12, "\u202e", "\x1b[2J"])
LINES = st.lists(st.lists(st.tuples(PIECES, st.sampled_from(sorted(STYLES))), max_size=8), min_size=4, max_size=4)


def frame(lines, cursor=None) -> Frame:
    return Frame(30, 4, tuple(fit(spans, 30) for spans in lines), cursor)


class Emulator:
    """A terminal that records what it is asked to answer."""

    def __init__(self, width: int, height: int) -> None:
        self.screen = pyte.Screen(width, height)
        self.answers: list[str] = []
        self.screen.write_process_input = self.answers.append
        self._stream = pyte.ByteStream(self.screen)
        self.feed(b"\x1b[?7l")  # lines don't wrap, as the dashboard sets it

    def feed(self, data: bytes) -> None:
        self._stream.feed(data)

    def cells(self):
        buffer = self.screen.buffer
        return [[buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)]


FULL_WITH_A_MARK = [[], [], [], [("a", "dim"), ("映画", "dim"), ("x" * 24, "dim"), ("e\u0301\u0302", "dim")]]


@given(st.lists(LINES, min_size=1, max_size=4))
@example([FULL_WITH_A_MARK, [[], [], [], []]])
def test_after_any_frames_the_screen_is_that_of_a_full_redraw(screens):
    diffed = Emulator(30, 4)
    before = None
    for lines in screens:
        after = frame(lines)
        diffed.feed(encode(before, after, STYLES))
        before = after
    fresh = Emulator(30, 4)
    fresh.feed(encode(None, frame(screens[-1]), STYLES))
    assert diffed.cells() == fresh.cells()
    assert diffed.answers == []
    assert diffed.screen.title == ""


@given(LINES)
def test_the_screen_shows_the_frames_text(lines):
    shown = Emulator(30, 4)
    after = frame(lines)
    shown.feed(encode(None, after, STYLES))
    for row, line in zip(shown.screen.display, after.lines, strict=True):
        assert re.sub(r"\s", "", row) == re.sub(r"\s", "", "".join(text for text, _ in line))


def test_nothing_changed_is_nothing_written():
    same = view(scene())
    assert encode(same, view(scene()), STYLES) == b""


@given(LINES, LINES)
def test_only_our_own_escapes_are_in_the_stream(one, other):
    data = encode(frame(one), frame(other), STYLES).decode()
    rest = re.sub(r"\x1b\[(?:[\d;]*[mHG]|\?2026[hl]|\?25[hl])", "", data)
    assert rest.isprintable() or rest == ""


def test_a_screen_of_moving_numbers_takes_little():
    before = view(scene(200, 60))
    moving = tuple(
        replace(item, down_bps=item.down_bps * 1.07, bytes_have=item.bytes_have + 1_000_000) for item in ITEMS
    )
    data = encode(before, view(scene(200, 60, news=replace(NEWS, items=moving))), STYLES)
    assert 0 < len(data) < 2048


def test_the_cursor_is_shown_where_something_is_typed_and_hidden_elsewhere():
    hidden, typing = view(scene()), view(scene(80, 24, ":", "d"))
    assert encode(None, hidden, STYLES).decode().endswith("\x1b[?25l\x1b[?2026l")
    assert encode(hidden, typing, STYLES).decode().endswith("\x1b[24;3H\x1b[?25h\x1b[?2026l")
    assert "\x1b[?25l" in encode(typing, hidden, STYLES).decode()


def test_another_size_is_drawn_anew():
    small, large = view(scene(80, 24)), view(scene(81, 24))
    assert encode(small, large, STYLES) == encode(None, large, STYLES)


@pytest.mark.parametrize("colours", [0, 8, 16, 256, 1 << 24])
@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_has_every_style_and_mono_no_colour(theme, colours):
    sequences = style_sequences(theme, colours)
    assert set(sequences) == set(STYLES)
    assert all(re.fullmatch(r"\x1b\[[\d;]*m", sequence) for sequence in sequences.values())
    if theme == "mono" or colours < 8:
        assert not re.search(r";(3|9|38)\d", "".join(sequences.values()))


def test_every_style_that_a_view_names_is_in_the_theme():
    screens = [(), ("2",), ("3",), ("4",), ("5",), ("6",), ("enter",), ("?",), ("x",), (":", "d")]
    used = {style for keys in screens for line in view(scene(200, 60, *keys)).lines for _, style in line}
    assert used <= set(STYLES)
