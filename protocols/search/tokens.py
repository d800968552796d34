"""The tokens of a name: what a search compares, and what the DHT is asked for.

Rules: SPEC.md section 2, frozen with the vectors of `interop/vectors/search.json`: two nodes that cut one name
differently don't find each other. A name is data of a stranger: every function here takes any text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from hashlib import sha256
from typing import Final

from protocols.search.word_ranges import NOT_WORD, WORD

EXTENSION_PREFIX: Final = "ext:"
"""No other token has a colon in it."""

KEYWORD_PREFIX: Final = b"shoal/kw/1\0"
"""Keeps keyword keys apart from every other use of SHA-256, and from the keys of a later token rule."""

# Deleted before anything else: soft hyphen, zero-width space and joiners, word joiner, byte order mark, and the
# variation selectors of emoji and ideographs. None of them is seen, so nobody would type them.
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]")

# Deleted once letters are decomposed: what people leave out when they type. Accents of Latin, Greek and Cyrillic,
# Hebrew points, Arabic vowel signs and tatweel. Marks of other scripts are vowels, without which words fall together.
_ACCENT: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]"
)

# Written without blanks between words: Thai, Lao, Myanmar, Khmer, kana, Han, Hangul (whose blanks file names lack).
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_RUN: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")

_EXTENSION: Final = re.compile(r".\.([0-9A-Za-z]{1,8})\Z", re.DOTALL)
_EXTENSION_WORD: Final = re.compile(r"ext:([0-9a-z]{1,8})", re.ASCII | re.IGNORECASE)

_STOP_WORDS: Final = """
the and of in to for with on at by from is it or an as
der die das und ein eine von mit den le la les de des du et un une en
el los las con del por para una os da do dos il lo gli di
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())
"""Words that say nothing of a file: no node is asked to remember who has one."""

MIN_KEYWORD_DIGITS: Final = 3
"""`01` and `24` are in too many names to lead anywhere; `2024` and `007` are not."""


def tokens_of_name(name: str) -> tuple[str, ...]:
    """The distinct tokens of a name, in order; its extension comes last, as `ext:pdf`."""
    tokens = dict.fromkeys(token for run in _runs(name) for token in _name_tokens(run))
    extension = _EXTENSION.search(name)
    if extension:
        tokens[EXTENSION_PREFIX + extension[1].lower()] = None
    return tuple(tokens)


def tokens_of_query(text: str) -> tuple[str, ...]:
    """The distinct tokens a name must match, in order; a word `ext:pdf` is the extension. May be empty."""
    tokens: dict[str, None] = {}
    for word in text.split(" "):
        extension = _EXTENSION_WORD.fullmatch(word)
        found = [word.lower()] if extension else [token for run in _runs(word) for token in _query_tokens(run)]
        tokens.update(dict.fromkeys(found))
    return tuple(tokens)


def matches(name_tokens: Collection[str], query_tokens: Iterable[str]) -> bool:
    """Whether a name with these tokens answers a query with those: each of the query's is there."""
    return all(
        token in name_tokens or (is_single(token) and any(other.startswith(token) for other in name_tokens))
        for token in query_tokens
    )


def is_single(token: str) -> bool:
    """Whether it is one character of an unspaced script, which matches every token that begins with it."""
    return len(token) == 1 and bool(_IS_UNSPACED.match(token))


def keywords(tokens: Iterable[str]) -> tuple[str, ...]:
    """Those tokens of a name or query that may be looked up in the DHT, in the same order."""
    tokens = tuple(tokens)
    return tuple(token for token in tokens if is_keyword(token) and EXTENSION_PREFIX + token not in tokens)


def is_keyword(token: str) -> bool:
    """Whether a token tells files apart well enough to be looked up."""
    if token.startswith(EXTENSION_PREFIX) or token in STOP_WORDS:
        return False
    return len(token) >= (MIN_KEYWORD_DIGITS if token.isascii() and token.isdigit() else 2)


def rarest(tokens: Iterable[str], frequency: Callable[[str], int], count: int) -> tuple[str, ...]:
    """The `count` tokens that are in the fewest names, as far as `frequency` knows; of equal ones the longest."""
    return tuple(sorted(tokens, key=lambda token: (frequency(token), -len(token), token))[:count])


def keyword_key(token: str) -> bytes:
    """The DHT key of a token: the 34-byte multihash under which nodes that share such names are providers."""
    return b"\x12\x20" + sha256(KEYWORD_PREFIX + token.encode()).digest()


def _runs(text: str) -> Iterator[str]:
    """The words of a text, folded, and cut where an unspaced script begins or ends."""
    known = NOT_WORD.sub(" ", _UNSEEN.sub("", text))  # from here on no later version of Unicode has a say
    folded = unicodedata.normalize("NFKC", known).casefold()
    bare = unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", folded)))
    for word in WORD.findall(bare):
        yield from _RUN.findall(word)


def _name_tokens(run: str) -> list[str]:
    """A run whole; of an unspaced script every two neighbours, and the last alone, so that each begins a token."""
    if not _IS_UNSPACED.match(run):
        return [run]
    return [run[start : start + 2] for start in range(len(run))]


def _query_tokens(run: str) -> list[str]:
    if not _IS_UNSPACED.match(run) or len(run) == 1:
        return [run]
    return [run[start : start + 2] for start in range(len(run) - 1)]
