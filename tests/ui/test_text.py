"""Text in cells: exact for every width."""

from __future__ import annotations

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st

from node.ui.safe import safe
from node.ui.text import _OWN_GLYPHS, cells, clip, clip_end, pad, pad_left, to_ascii

TEXTS = (st.text(st.characters()) | st.text(st.sampled_from("ab映画한e\u0301👍🏽🇩🇪"))).map(safe)
WIDTHS = st.integers(0, 80)


@given(TEXTS, WIDTHS)
def test_padding_is_exact(text, width):
    assert cells(pad(text, width)) == width
    assert cells(pad_left(text, width)) == width


@given(TEXTS, WIDTHS)
def test_clipping_fits_and_leaves_what_fits_alone(text, width):
    for clipped in (clip(text, width), clip_end(text, width)):
        assert cells(clipped) <= width
        assert (clipped == text) == (cells(text) <= width)


@pytest.mark.parametrize(
    ("text", "width", "clipped"),
    [
        ("movie.mkv", 9, "movie.mkv"),
        ("a very long name.mkv", 12, "a very ….mkv"),
        ("映画 コレクション 2024.mkv", 22, "映画 コレクシ…024.mkv"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("映画", 3, "…"),
    ],
)
def test_names_are_cut_in_the_middle(text, width, clipped):
    assert clip(text, width) == clipped


def test_sentences_are_cut_at_the_end():
    assert clip_end("no peers connected", 10) == "no peers …"


def test_wide_characters_count_two_cells_and_marks_none():
    assert cells("映画") == 4
    assert cells("e\u0323\u0301") == 1
    assert cells("한국") == 4


def test_a_terminal_without_utf8_gets_our_glyphs_likes():
    assert to_ascii("[✓✓↓·] a…b ∞ 映画") == "[##v.] a~b - ??"


def test_our_own_glyphs_are_as_wide_as_blessed_has_them():
    for glyph in _OWN_GLYPHS:
        assert wcwidth.wcswidth(glyph) == 1, glyph
        assert cells(f"a{glyph}b") == 3
        assert cells(f"{glyph}\u0301") == 1, "a mark on one is no cell of its own"
