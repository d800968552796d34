"""Tokens: the vectors hold, any text has some or none, and a name is found by its own words."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.search.tokens import (
    is_keyword,
    keyword_key,
    keywords,
    matches,
    rarest,
    tokens_of_name,
    tokens_of_query,
)
from protocols.search.word_ranges import WORD_RANGES

VECTORS = json.loads((Path(__file__).parents[2] / "interop" / "vectors" / "search.json").read_text())
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


def test_the_table_of_word_characters_is_that_of_the_vectors():
    assert " ".join(f"{first:x}-{last:x}" for first, last in WORD_RANGES) == VECTORS["word_ranges"]


@pytest.mark.parametrize("case", VECTORS["names"], ids=lambda case: case["what"])
def test_tokens_of_names(case):
    assert list(tokens_of_name(case["name"])) == case["tokens"]
    assert list(keywords(case["tokens"])) == case["keywords"]


@pytest.mark.parametrize("case", VECTORS["queries"], ids=lambda case: ascii(case["query"]))
def test_queries_match_the_names_they_should(case):
    tokens = tokens_of_query(case["query"])
    assert list(tokens) == case["tokens"]
    for name in case["matching"]:
        assert matches(tokens_of_name(name), tokens), name
    for name in case["not_matching"]:
        assert not matches(tokens_of_name(name), tokens), name


@pytest.mark.parametrize("case", VECTORS["keys"], ids=lambda case: ascii(case["token"]))
def test_keys(case):
    assert keyword_key(case["token"]).hex() == case["key"]


@given(TEXT)
def test_a_name_is_found_by_its_own_text(name):
    assert matches(tokens_of_name(name), tokens_of_query(name.replace(":", " ")))


@given(TEXT)
def test_however_a_name_is_composed_its_tokens_are_the_same(name):
    known = "".join(character for character in name if unicodedata.category(character) != "Cn")
    assert tokens_of_name(unicodedata.normalize("NFD", known)) == tokens_of_name(unicodedata.normalize("NFC", known))


@given(st.text(max_size=60))
def test_any_text_has_tokens_without_blanks_and_within_bounds(text):
    for token in (*tokens_of_name(text), *tokens_of_query(text)):
        assert token
        assert not any(character.isspace() for character in token)
        token.encode()  # no lone surrogate comes through
        assert len(keyword_key(token)) == 34


@given(TEXT)
def test_tokens_of_a_token_are_that_token(name):
    for token in tokens_of_query(name):
        assert token.startswith("ext:") or tokens_of_query(token) == (token,)


def test_the_rarest_come_first_and_of_equals_the_longest():
    known = {"linux": 9, "tutorial": 3, "obscure": 0, "rare": 0}
    assert rarest(known, known.__getitem__, 3) == ("obscure", "rare", "tutorial")
    assert rarest((), len, 3) == ()


@pytest.mark.parametrize("token", ["the", "x", "12", "ext:pdf", "\u8a9e"])
def test_what_is_no_keyword(token):
    assert not is_keyword(token)
