"""Links: what is written reads back, and any text is a link or a sentence about what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.link import (
    MAX_LINK_LENGTH,
    MAX_PEERS,
    MAX_SHARE_SIZE,
    Link,
    LinkError,
    could_be_cid_prefix,
    parse_target,
)

VECTORS = json.loads((Path(__file__).parents[2] / "interop" / "vectors" / "links.json").read_text())
CID = Cid.of(DAG_CBOR, b"a manifest")
PEER = "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=60).filter(
    lambda text: text not in (".", "..")
)
PEERS = st.from_regex(
    r"/(ip4/10\.0\.0\.[0-9]|ip6/::[0-9a-f]|dns4/x%y&z=\?#\+)/tcp/[0-9]+/p2p/[A-Za-z0-9]+", fullmatch=True
)
LINKS = st.builds(
    Link,
    st.builds(Cid, st.just(DAG_CBOR), st.binary(min_size=32, max_size=32)),
    st.none() | NAMES,
    st.none() | st.integers(0, MAX_SHARE_SIZE),
    st.lists(PEERS.filter(lambda peer: len(peer) < 100), max_size=MAX_PEERS, unique=True).map(tuple),
)


@given(LINKS)
def test_what_is_written_reads_back(link):
    assert Link.parse(str(link)) == parse_target(f"  {link}\n") == link
    assert len(str(link)) <= MAX_LINK_LENGTH
    assert str(link).isascii()
    assert str(link).isprintable()


LINK_LIKE = st.text(max_size=100) | st.text("%=&?namepr/2:", max_size=80)


@given(st.text(max_size=200) | LINK_LIKE.map(f"shoal:{CID}?".__add__))
def test_any_text_is_a_link_or_a_link_error(text):
    for parse in (Link.parse, parse_target):
        try:
            link = parse(text)
        except LinkError:
            continue
        assert Link.parse(str(link)) == link


def test_nothing_shorter_is_the_same_link():
    text = str(Link(CID, "name.iso", 17, (PEER,)))
    for end in range(len(text)):
        try:
            assert Link.parse(text[:end]) != Link.parse(text)
        except LinkError:
            continue


@pytest.mark.parametrize("vector", VECTORS["good"], ids=lambda vector: vector["what"])
def test_good_vectors_both_ways(vector):
    link = Link(Cid.parse(vector["cid"]), vector["name"], vector["size"], tuple(vector["peers"]))
    assert Link.parse(vector["link"]) == link
    assert str(link) == vector["written"]
    assert Link.parse(vector["written"]) == link


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: vector["why"])
def test_bad_vectors_are_refused(vector):
    with pytest.raises(LinkError) as caught:
        Link.parse(vector["link"])
    assert str(caught.value).endswith(".")


def test_a_bare_cid_is_a_target_but_no_link():
    assert parse_target(f" {CID} ") == parse_target(str(CID).upper()) == parse_target(CID.to_base58()) == Link(CID)
    with pytest.raises(LinkError, match="starts with 'shoal:'"):
        Link.parse(str(CID))


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("", "A CID starts with"),
        ("ubuntu.iso", "A CID starts with"),
        (str(Cid(RAW, CID.digest)), "codec raw, where dag-cbor"),
        ("shoal:", "A CID starts with"),
        (f"shoal://{CID}", "A CID starts with"),
        (f"shoal:{CID}?name=a%2Fb", "has '/'"),
        (f"shoal:{CID}?name=a b", "printable ASCII"),
        (f"shoal:{CID}?size=1&size=1", "more than one size"),
        (f"shoal:{CID}?size=" + "9" * 30, "not a number of bytes"),
        (f"shoal:{CID}?size={MAX_SHARE_SIZE + 1}", "not one a share can have"),
        (f"shoal:{CID}?" + "x" * 5000, "at most 4096 characters, not 5066"),
    ],
)
def test_the_sentence_says_what_is_wrong(target, part):
    with pytest.raises(LinkError, match=part):
        parse_target(target)


@pytest.mark.parametrize(
    "parts",
    [
        {"cid": Cid(RAW, bytes(32))},
        {"name": ""},
        {"name": "a/b"},
        {"name": "caf\udce9"},
        {"size": -1},
        {"size": MAX_SHARE_SIZE + 1},
        {"peers": (f"{PEER}{number}" for number in range(MAX_PEERS + 1))},
        {"peers": ["12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"]},
        {"peers": ["/ip4/127.0.0.1/tcp/4001"]},
        {"peers": ["/ip4/127.0.0.1/tcp/4001/p2p/"]},
        {"peers": ["/dns4/é/tcp/4001/p2p/12D3KooW"]},
        {"name": "ж" * 127, "peers": [f"/dns4/{'x' * 230}{number}/tcp/1/p2p/x" for number in range(MAX_PEERS)]},
    ],
)
def test_what_no_link_can_carry(parts):
    values = {"cid": CID, "name": "n", "size": 1, "peers": ()} | parts
    with pytest.raises(LinkError):
        Link(**(values | {"peers": tuple(values["peers"])}))


def test_a_peer_given_twice_counts_once():
    assert Link.parse(f"shoal:{CID}?peer={PEER}&peer=/p2p/x&peer={PEER}").peers == (PEER, "/p2p/x")


@given(st.binary(min_size=32, max_size=32), st.integers(0, 70))
def test_every_beginning_of_a_cid_could_be_one(digest, length):
    assert could_be_cid_prefix(str(Cid(DAG_CBOR, digest))[:length]) == (length > 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "17",
        "baf0",
        "bafyrei1",
        "BAFY",
        "bafybei",
        "bafkrei",
        "b ",
        "ubuntu",
        "bafyrei\n",
        str(CID) + "a",
        "bafyreiA",
    ],
)
def test_what_cannot_begin_a_shares_cid(text):
    assert not could_be_cid_prefix(text)


def test_a_value_that_is_not_utf_8_is_refused_under_any_key():
    cid = Cid.of(DAG_CBOR, b"x")
    with pytest.raises(LinkError, match="UTF-8"):
        Link.parse(f"shoal:{cid}?later=%FF")
