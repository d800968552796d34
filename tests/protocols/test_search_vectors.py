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


CID = "bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua"  # the dag-cbor specification's {}
CID_HEX = "01711220c19a797fa1fd590cd2e5b42d1cf5f246e29b91684e2f87404b81dc345c7a56a0"
PEER = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"


def cbor_text(text):
    """The head and bytes of a text, as the CBOR specification (RFC 8949) has it."""
    data = text.encode()
    head = bytes([0x60 + len(data)]) if len(data) < 24 else bytes([0x78, len(data)])
    assert len(data) < 256
    return head + data


def cbor_number(number):
    if number < 24:
        return bytes([number])
    size, mark = next((size, mark) for size, mark in ((1, 24), (2, 25), (4, 26), (8, 27)) if number < 256**size)
    return bytes([mark]) + number.to_bytes(size, "big")


def cbor_map(*members):
    return bytes([0xA0 + len(members)]) + b"".join(cbor_text(key) + value for key, value in members)


def cbor_list(*members):
    assert len(members) < 24
    return bytes([0x80 + len(members)]) + b"".join(members)


def frame(payload):
    length = len(payload)
    prefix = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return (prefix + payload).hex()


CBOR_CID = b"\xd8\x2a\x58\x25\x00" + bytes.fromhex(CID_HEX)
FALSE, TRUE = b"\xf4", b"\xf5"


def cbor_query(text, limit, *more):
    return cbor_map(("text", cbor_text(text)), ("limit", cbor_number(limit)), *more)


def cbor_hit(name="linux.iso", size=2_500_000_000, files=1, own=TRUE, peers=(), cid=CBOR_CID):
    """Keys in the order of DAG-CBOR: shorter ones first, then bytewise."""
    return cbor_map(
        ("cid", cid),
        ("own", own),
        ("name", cbor_text(name)),
        ("size", cbor_number(size)),
        ("files", cbor_number(files)),
        ("peers", cbor_list(*map(cbor_text, peers))),
    )


def cbor_hits(*hits):
    return cbor_map(("hits", cbor_list(*hits)))


def hit_fields(name="linux.iso", size=2_500_000_000, files=1, own=True, peers=()):
    return {"cid": CID, "name": name, "size": size, "files": files, "own": own, "peers": list(peers)}


def messages():
    """Whole frames; `canonical` is false for those that are read and never written."""
    heard = {"name": "Linux \u9ed2\u732b", "size": 0, "files": 0, "peers": [PEER]}
    return [
        message("query", "linux", frame(cbor_query("linux", 50)), {"text": "linux", "limit": 50}),
        message("query", "one hit, accents", frame(cbor_query("Am\u00e9lie ext:mkv", 1)),
                {"text": "Am\u00e9lie ext:mkv", "limit": 1}),
        message("query", "from a newer version", frame(cbor_query("linux", 50, ("newer", TRUE))),
                {"text": "linux", "limit": 50}, canonical=False),
        message("query", "with a link to something that no share is",
                frame(cbor_query("linux", 50, ("newer", b"\xd8\x2a\x45\x00\x01\x55\x00\x00"))),
                {"text": "linux", "limit": 50}, canonical=False),
        message("answer", "a hit", frame(cbor_hits(cbor_hit())), {"hits": [hit_fields()]}),
        message("answer", "own and heard of",
                frame(cbor_hits(cbor_hit(), cbor_hit(own=FALSE, **heard))),
                {"hits": [hit_fields(), hit_fields(own=False, **heard)]}),
        message("answer", "these were all", frame(cbor_map(("end", cbor_number(0)))), {"end": 0}),
        message("answer", "there are more", frame(cbor_map(("end", cbor_number(1)))), {"end": 1}),
        message("answer", "busy", frame(cbor_map(("end", cbor_number(2)))), {"end": 2}),
        message("answer", "refused", frame(cbor_map(("end", cbor_number(3)))), {"end": 3}),
        message("answer", "an end of a newer version", frame(cbor_map(("end", cbor_number(77)))), {"end": 3},
                canonical=False),
    ]  # fmt: skip


def message(kind, what, framed, fields, *, canonical=True):
    return {"kind": kind, "what": what, "frame": framed, "fields": fields, "canonical": canonical}


def bad_messages():
    return [
        bad("query", "no text", cbor_map(("limit", cbor_number(1)))),
        bad("query", "a text without tokens", cbor_query("!?", 1)),
        bad("query", "a text of 257 bytes", cbor_map(("text", b"\x79\x01\x01" + b"x" * 257), ("limit", b"\x01"))),
        bad("query", "33 tokens", cbor_query(" ".join(f"x{n}" for n in range(33)), 1)),
        bad("query", "no hits wanted", cbor_query("linux", 0)),
        bad("query", "51 hits wanted", cbor_query("linux", 51)),
        bad("query", "a limit that is true", cbor_map(("text", cbor_text("linux")), ("limit", TRUE))),
        bad("query", "a list", cbor_list(cbor_text("linux"))),
        bad("query", "keys out of order", cbor_map(("limit", b"\x01"), ("text", cbor_text("linux")))),
        bad("query", "something behind its end", cbor_query("linux", 1) + b"\x00"),
        bad("answer", "neither hits nor an end", cbor_map(("more", TRUE))),
        bad("answer", "no hits in it", cbor_hits()),
        bad("answer", "an end that is no number", cbor_map(("end", TRUE))),
        bad("answer", "a hit that is a text", cbor_hits(cbor_text("linux"))),
        bad("answer", "a CID that is a text", cbor_hits(cbor_hit(cid=cbor_text(CID)))),
        bad("answer", "a CID of a raw block", cbor_hits(cbor_hit(cid=CBOR_CID[:6] + b"\x55" + CBOR_CID[7:]))),
        bad("answer", "a CID of no bytes", cbor_hits(cbor_hit(cid=b"\xd8\x2a\x41\x00"))),
        bad("answer", "a CID of another hash", cbor_hits(cbor_hit(cid=CBOR_CID[:7] + b"\x16" + CBOR_CID[8:]))),
        bad("answer", "a name with a slash", cbor_hits(cbor_hit(name="linux/iso"))),
        bad("answer", "no name", cbor_hits(cbor_hit(name=""))),
        bad("answer", "more bytes than a share can have", cbor_hits(cbor_hit(size=2**45 + 1))),
        bad("answer", "more files than a share can have", cbor_hits(cbor_hit(files=65_537))),
        bad("answer", "nobody has it", cbor_hits(cbor_hit(own=FALSE))),
        bad("answer", "nine peers", cbor_hits(cbor_hit(peers=[PEER] * 9))),
        bad("answer", "a peer that is no id", cbor_hits(cbor_hit(peers=["me!"]))),
        bad("answer", "a peer that is a number",
            cbor_hits(cbor_hit().replace(cbor_text("peers") + b"\x80", cbor_text("peers") + b"\x81\x01"))),
    ]  # fmt: skip


def bad(kind, why, payload):
    return {"kind": kind, "why": why, "frame": frame(payload)}


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
            "Vectors of protocols/search/SPEC.md.",
            "`word_ranges` are the first and last code points, in hex, of the characters words are made of.",
            "`keywords` are the tokens of a name that may be looked up in the DHT; `keys` are their keys, in hex.",
            "`messages` are whole frames in hex, read as `fields`; the `canonical` ones are what is written of them.",
            "`bad_messages` are refused by whoever reads them.",
        ],
        "word_ranges": word_ranges(),
        "names": names(),
        "queries": queries(),
        "keys": keys(),
        "messages": messages(),
        "bad_messages": bad_messages(),
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
