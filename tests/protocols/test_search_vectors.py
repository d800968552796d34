"""`interop/vectors/search.json`: written by hand from protocols/search/SPEC.md.

Nothing here uses the code under test; `test_search_tokens.py` and `test_search_codec.py` read the file. Run as a
script, this one writes it.
"""

from __future__ import annotations

import hashlib
import json
import sys
import unicodedata
from pathlib import Path

import pytest

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "search.json"


def names():
    """Names and their tokens; the last number says how many of them, from the front, may be looked up in the DHT."""
    return [
        token_case("words", "linux tutorial", "linux tutorial", "linux tutorial"),
        token_case("a file", "Linux-Tutorial.pdf", "linux tutorial pdf ext:pdf", "linux tutorial"),
        token_case("numbers", "ubuntu-24.04.1-desktop-amd64.ISO", "ubuntu 24 04 1 desktop amd64 iso ext:iso",
                   "ubuntu desktop amd64"),
        token_case("a year and a short number", "007 (2024) 12", "007 2024 12", "007 2024"),
        token_case("stop words", "The Lord of the Rings", "the lord of rings", "lord rings"),
        token_case("two extensions", "archive.tar.gz", "archive tar gz ext:gz", "archive tar"),
        token_case("a dot first", ".bashrc", "bashrc", "bashrc"),
        token_case("no extension", "README", "readme", "readme"),
        token_case("a long extension is none", "notes.markdownx", "notes markdownx", "notes markdownx"),
        token_case("a dot last", "end.", "end", "end"),
        token_case("the extension is also a word", "pdf guide.pdf", "pdf guide ext:pdf", "guide"),
        token_case("an underline", "my_file_v2", "my file v2", "my file v2"),
        token_case("accents composed", "Am\u00e9lie", "amelie", "amelie"),
        token_case("accents decomposed", "Ame\u0301lie", "amelie", "amelie"),
        token_case("case folding", "STRASSE Stra\u00dfe", "strasse", "strasse"),
        token_case("Turkish", "\u0130stanbul", "istanbul", "istanbul"),
        token_case("Greek with its final sigma", "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03cc\u03c2",
                   "\u03bf\u03b4\u03bf\u03c3", "\u03bf\u03b4\u03bf\u03c3"),
        token_case("Cyrillic", "\u0419\u043e\u0433\u0430 \u0401\u043b\u043a\u0430",
                   "\u0438\u043e\u0433\u0430 \u0435\u043b\u043a\u0430",
                   "\u0438\u043e\u0433\u0430 \u0435\u043b\u043a\u0430"),
        token_case("Cherokee folds to its capitals", "\u13a0\u13a1 \uab70", "\u13a0\u13a1 \u13a0", "\u13a0\u13a1"),
        token_case("compatibility characters", "\ufb01le \u2167 \u2460 x\u00b2 \uff26\uff35\uff2c\uff2c",
                   "file viii 1 x2 full", "file viii x2 full"),
        token_case("one character becomes two words", "\u00bd", "1 2", ""),
        token_case("symbols end words before they could become letters", "foo\u2122 \u338f", "foo", "foo"),
        token_case("the unseen is not there", "soft\u00adhyphen zero\u200bwidth \ufeffbom \u2764\ufe0f love",
                   "softhyphen zerowidth bom love", "softhyphen zerowidth bom love"),
        token_case("a keycap", "1\ufe0f\u20e3 first", "1 first", "first"),
        token_case("emoji alone", "\U0001f600\U0001f389", "", ""),
        token_case("younger than Unicode 14.0", "a\U0001e030b \U0001df25x", "a b x", ""),
        token_case("Arabic without vowel signs", "\u0643\u0650\u062a\u064e\u0627\u0628 \u0622\u0628",
                   "\u0643\u062a\u0627\u0628 \u0627\u0628", "\u0643\u062a\u0627\u0628 \u0627\u0628"),
        token_case("Hebrew without points", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd", "\u05e9\u05dc\u05d5\u05dd",
                   "\u05e9\u05dc\u05d5\u05dd"),
        token_case("Hindi keeps its vowels", "\u0939\u093f\u0928\u094d\u0926\u0940",
                   "\u0939\u093f\u0928\u094d\u0926\u0940",
                   "\u0939\u093f\u0928\u094d\u0926\u0940"),
        token_case("Han", "\u9ed2\u732b\u7269\u8a9e", "\u9ed2\u732b \u732b\u7269 \u7269\u8a9e \u8a9e",
                   "\u9ed2\u732b \u732b\u7269 \u7269\u8a9e"),
        token_case("Han and digits", "\u7b2c3\u8a71.mkv", "\u7b2c 3 \u8a71 mkv ext:mkv", ""),
        token_case("kana keep their voicing", "\u30c9\u30e9\u30de", "\u30c9\u30e9 \u30e9\u30de \u30de",
                   "\u30c9\u30e9 \u30e9\u30de"),
        token_case("half-width kana", "\uff84\uff9e\uff97\uff8f", "\u30c9\u30e9 \u30e9\u30de \u30de",
                   "\u30c9\u30e9 \u30e9\u30de"),
        token_case("Hangul decomposed", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\ud55c\uad6d \uad6d", "\ud55c\uad6d"),
        token_case("Thai", "\u0e44\u0e17\u0e22", "\u0e44\u0e17 \u0e17\u0e22 \u0e22", "\u0e44\u0e17 \u0e17\u0e22"),
        token_case("nothing", "", "", ""),
        token_case("only marks of other things", " - / \x00 \n", "", ""),
    ]  # fmt: skip


def token_case(what, name, tokens, keywords):
    return {"what": what, "name": name, "tokens": tokens.split(), "keywords": keywords.split()}


def queries():
    """Queries, their tokens, and names that do and don't match."""
    return [
        query_case("linux", "linux", ["linux.iso", "LINUX-tutorial.pdf"], ["linuxes", "lin ux"]),
        query_case("kernel linux", "kernel linux", ["linux-kernel.zip"], ["linux.iso"]),
        query_case("linux.iso", "linux iso", ["linux.iso", "iso of linux.zip"], ["linux.img"]),
        query_case("linux EXT:Iso", "linux ext:iso", ["linux.ISO"], ["iso of linux.zip", "linux"]),
        query_case("ext:iso\tx", "ext iso x", ["ext iso x"], ["x.iso"]),
        query_case("ext:markdownx", "ext markdownx", ["ext markdownx"], ["a.markdownx"]),
        query_case("linux linux", "linux", ["linux"], []),
        query_case("am\u00e9lie", "amelie", ["Am\u00e9lie.mkv", "amelie"], ["am lie"]),
        query_case("\u732b", "\u732b", ["\u9ed2\u732b", "\u732b\u7269\u8a9e", "\u732b.jpg"], ["\u72ac"]),
        query_case("\u9ed2\u732b", "\u9ed2\u732b", ["\u5927\u9ed2\u732b\u7269\u8a9e"], ["\u9ed2\u3044\u732b"]),
        query_case("\u732b\u7269\u8a9e", "\u732b\u7269 \u7269\u8a9e", ["\u9ed2\u732b\u7269\u8a9e"],
                   ["\u7269\u8a9e"]),
        query_case("a", "a", ["A.txt"], ["ab"]),
        query_case("!?", "", [], []),
    ]  # fmt: skip


def query_case(query, tokens, matching, other):
    return {"query": query, "tokens": tokens.split(), "matching": matching, "not_matching": other}


def keys():
    """The key of a token: multihash code and length, then SHA-256 of the prefix and the token."""
    return [
        {"token": token, "key": "1220" + hashlib.sha256(b"shoal/kw/1\x00" + token.encode()).hexdigest()}
        for token in ("linux", "strasse", "\u9ed2\u732b", "\u03bf\u03b4\u03bf\u03c3")
    ]


def word_ranges():
    """The letters, marks and numbers of Unicode 14.0, straight from the database."""
    inside = [ordinal for ordinal in range(0x110000) if is_word(chr(ordinal))]
    starts = [ordinal for ordinal in inside if not is_word(chr(ordinal - 1))]
    ends = [ordinal for ordinal in inside if ordinal == 0x10FFFF or not is_word(chr(ordinal + 1))]
    return " ".join(f"{first:x}-{last:x}" for first, last in zip(starts, ends, strict=True))


def is_word(character):
    return unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No")


def build():
    return {
        "protocol": "/shoal/search/1.0.0",
        "about": [
            "Vectors of protocols/search/SPEC.md, section 2.",
            "`word_ranges` are the first and last code points, in hex, of the characters words are made of.",
            "`keywords` are the tokens of a name that may be looked up in the DHT; `keys` are their keys, in hex.",
        ],
        "word_ranges": word_ranges(),
        "names": names(),
        "queries": queries(),
        "keys": keys(),
    }


def test_the_file_holds_what_the_page_says():
    written, built = json.loads(VECTORS.read_text()), build()
    if unicodedata.unidata_version != "14.0.0":
        del written["word_ranges"], built["word_ranges"]  # a younger Python has more letters; the file doesn't
    assert written == built


@pytest.mark.parametrize("case", names(), ids=lambda case: case["what"])
def test_keywords_are_tokens(case):
    assert set(case["keywords"]) <= set(case["tokens"])


if __name__ == "__main__":
    if unicodedata.unidata_version != "14.0.0":
        sys.exit("write the vectors with a Python that has Unicode 14.0, such as 3.11")
    VECTORS.write_text(json.dumps(build(), indent=1, ensure_ascii=True) + "\n")
