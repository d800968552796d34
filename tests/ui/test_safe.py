"""What may reach a terminal: every character harmless, nothing twice, nothing endless."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ui.safe import MAX_LENGTH, MAX_MARKS, safe
from node.ui.text import cells

# Every code point there is, lone surrogates too, and strings rich in the dangerous ones.
ANYTHING = st.characters()
MARKS = st.characters(categories=["Mn", "Mc", "Me"])
NASTY = st.sampled_from(
    "\x00\x1b\r\n\t\x7f\x9b\u202e\u2066\u200d\u200b\ufeff\ufe0f\u115f\u1161\u11a8\u3164\U000e0041aeo\u1100"
)
TEXTS = st.text(ANYTHING) | st.text(NASTY) | st.text(MARKS | st.sampled_from("aeoक한")) | st.text(max_size=600)


@given(TEXTS)
def test_passing_twice_changes_nothing(text):
    assert safe(safe(text)) == safe(text)


@given(TEXTS)
def test_nothing_comes_out_that_could_act(text):
    for character in safe(text):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@given(TEXTS)
def test_it_is_bounded_and_composed(text):
    shown = safe(text)
    assert len(shown) <= MAX_LENGTH
    assert unicodedata.is_normalized("NFC", shown)


@given(TEXTS)
def test_it_starts_with_a_base_and_piles_no_marks(text):
    shown = safe(text)
    marks = 0
    for index, character in enumerate(shown):
        is_mark = unicodedata.category(character).startswith("M")
        assert not (is_mark and index == 0)
        marks = marks + 1 if is_mark else 0
        assert marks <= MAX_MARKS


@given(st.text(ANYTHING, max_size=20))
def test_nothing_before_a_letter_can_hide_it(text):
    assert cells(safe(text + "a")) > cells(safe(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ubuntu.iso", "ubuntu.iso"),
        ("映画 コレクション.mkv", "映画 コレクション.mkv"),
        ("fami\u0301lia", "fam\u00edlia"),
        ("evil\x1b[2J\rname.exe", "evil␛[2J␍name.exe"),
        ("a\tb\nc\x00d\x7f", "a␉b␊c␀d␡"),
        ("csi\x9b2J", "csi\ufffd2J"),
        ("photo\u202egpj.exe", "photo\ufffdgpj.exe"),
        ("a\u2066b\u200ec\u061cd", "a\ufffdb\ufffdc\ufffdd"),
        ("zero\u200bwidth\ufeff", "zero\ufffdwidth\ufffd"),
        ("join\u200der \u2764\ufe0f", "joiner \u2764"),
        ("\U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea", "\U0001f44d DE"),
        ("bad\udcff", "bad\ufffd"),
        ("\ue000private", "\ufffdprivate"),
        ("line\u2028end", "line\ufffdend"),
        ("\u0301first", "\u25cc\u0301first"),
        ("q" + "\u0301" * 50 + "x", "q\u0301\u0301x"),
        ("\u3164", "\ufffd"),
    ],
)
def test_examples(text, shown):
    assert safe(text) == shown


def test_a_sentence_may_be_longer_than_a_name():
    assert safe("x" * 1000, 500) == "x" * 500
    assert safe("é" * 1000, 500) == "é" * 500
