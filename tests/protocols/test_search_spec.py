"""SPEC.md of the search says what the code does: its numbers, ranges and words are read and compared."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

import pytest

from protocols.framing import FrameDecoder
from protocols.search import Outcome, Query, limits
from protocols.search.codec import _LIMITS, decode_query
from protocols.search.tokens import _ACCENT, _IS_UNSPACED, _UNSEEN, STOP_WORDS, keyword_key

SPEC = (Path(limits.__file__).parent / "SPEC.md").read_text()
LIMITS = {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def section(number: int) -> str:
    return SPEC.split(f"\n## {number}. ")[1].split("\n## ")[0]


def step(number: int) -> str:
    return re.split(r"^\d\. ", section(2), flags=re.MULTILINE)[number]


def characters(text: str) -> set[str]:
    """All that the code points and ranges in a text of the page name."""
    ranges = re.findall(r"`([0-9a-f]{4,6})`(?:-`([0-9a-f]{4,6})`)?", text)
    return {chr(point) for first, last in ranges for point in range(int(first, 16), int(last or first, 16) + 1)}


def test_the_limits():
    rows = re.findall(r"^\| (MAX_\w+) \| ([\d,]+)", SPEC, re.MULTILINE)
    told = {name: int(value.replace(",", "")) for name, value in rows}
    assert told == LIMITS | {"MAX_DEPTH": _LIMITS.depth, "MAX_VALUES": _LIMITS.items}
    assert _LIMITS.size == limits.MAX_FRAME
    assert SPEC.startswith(f"# The search protocol\n\n    {limits.PROTOCOL_ID}\n")


@pytest.mark.parametrize(("number", "pattern"), [(1, _UNSEEN), (4, _ACCENT), (6, _IS_UNSPACED)])
def test_the_ranges(number, pattern):
    """Of every code point there is."""
    told = characters(step(number))
    assert len(told) > 150
    assert told == {each for each in map(chr, range(sys.maxunicode + 1)) if pattern.fullmatch(each)}


def test_stop_words_and_keys():
    told = section(3).split("These are:\n\n")[1].split("\n\n")[0].split()
    assert set(told) == STOP_WORDS
    assert keyword_key("linux") == b"\x12\x20" + hashlib.sha256(b"shoal/kw/1\0linux").digest()


def test_ends_and_the_example():
    told = re.search(r"\*\*End\*\*: .*?(0 .*?)\. Any other", SPEC, re.DOTALL)[1]
    assert [int(number) for number in re.findall(r"\b(\d) ", told)] == sorted(Outcome)
    frame = bytes.fromhex(re.search(r"Example, the whole frame .*`([0-9a-f]+)`", SPEC)[1])
    (payload,) = FrameDecoder(limits.MAX_FRAME).feed(frame)
    assert decode_query(bytes(payload)) == Query("linux", 50)
