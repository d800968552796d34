"""Bytes to tokens: the same however they are cut, and nothing of a sequence ever leaks as keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ui.keys import MAX_PENDING, Character, Clicked, CursorAt, Focused, KeyDecoder, Pasted, Sequence, character_key

KNOWN = {
    "a": [Character("a")],
    "é": [Character("é")],
    "映": [Character("映")],
    "\r": [Character("\r")],
    "\x1b[A": [Sequence("\x1b[A")],
    "\x1b[1;5C": [Sequence("\x1b[1;5C")],
    "\x1b[5~": [Sequence("\x1b[5~")],
    "\x1bOP": [Sequence("\x1bOP")],
    "\x1b[[A": [Sequence("\x1b[[A")],
    "\x1bx": [Sequence("\x1bx")],
    "\x1b[<0;10;5M": [Clicked(0, 9, 4, True)],
    "\x1b[<0;10;5m": [Clicked(0, 9, 4, False)],
    "\x1b[<65;1;1M": [Clicked(65, 0, 0, True)],
    "\x1b[M !!": [Clicked(0, 0, 0, True)],
    "\x1b[200~yes\r\x1b[Ano\x1b[201~": [Pasted("yes\r\x1b[Ano")],
    "\x1b[1;3R": [CursorAt(1, 3)],
    "\x1b[I": [Focused("\x1b[I", True)],
    "\x1b[O": [Focused("\x1b[O", False)],
    "\x1b[?62;22c": [],
    "\x1bP>|tmux 3.3a\x1b\\": [],
    "\x1b]11;rgb:00/00/00\x07": [],
}


def decoded(*chunks: bytes) -> list:
    decoder = KeyDecoder()
    return [token for chunk in chunks for token in decoder.feed(chunk)]


@pytest.mark.parametrize("text", KNOWN, ids=repr)
def test_whole_and_byte_by_byte(text):
    data = text.encode()
    assert decoded(data) == KNOWN[text]
    assert decoded(*(data[at : at + 1] for at in range(len(data)))) == KNOWN[text]


@given(st.lists(st.sampled_from(sorted(KNOWN)), max_size=12), st.data())
def test_any_cutting_gives_the_same_tokens(texts, data):
    whole = "".join(texts).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    chunks = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert decoded(*chunks) == [token for text in texts for token in KNOWN[text]]


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_any_bytes_are_some_tokens_and_keys_still_work_after_them(chunks):
    decoder = KeyDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
    decoder.flush()
    decoder.feed(b"\x1b[201~")
    decoder.feed(b"\x07\x1b\\")
    assert decoder.feed(b"qqqq")[-1] == Character("q")


def test_a_lone_escape_is_a_key_once_nothing_follows():
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.is_waiting
    assert decoder.flush() == [Sequence("\x1b")]
    assert not decoder.is_waiting
    assert decoder.feed(b"[A") == [Character("["), Character("A")]


def test_two_escapes_are_two_keys():
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b\x1b") + decoder.flush() == [Sequence("\x1b"), Sequence("\x1b")]


def test_a_sequence_that_never_ends_is_dropped_and_not_typed():
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[12;") == []
    assert decoder.flush() == []


def test_a_paste_without_an_end_is_waited_for_but_not_for_ever():
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[200~" + b"y" * 1000) == []
    assert not decoder.is_waiting
    assert decoder.feed(b"y" * (MAX_PENDING + 1)) == []
    assert decoder.feed(b"n") == [Character("n")]


def test_control_characters_have_names():
    names = {"\r": "enter", "\t": "tab", "\x7f": "backspace", "\x04": "ctrl-d", "\x1f": "", "\x85": "", "j": "j"}
    assert {text: character_key(text) for text in names} == names
