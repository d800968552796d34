"""CIDs: every spelling, and a sentence for every text that is none."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, DAG_PB, RAW, Cid, CidError

DIGESTS = st.binary(min_size=32, max_size=32)
CIDS = st.builds(Cid, st.sampled_from([RAW, DAG_CBOR]), DIGESTS)
CID = Cid(DAG_CBOR, bytes(range(32)))


@given(CIDS)
def test_every_spelling_reads_back(cid):
    assert Cid.from_bytes(cid.to_bytes()) == cid
    assert Cid.parse(str(cid)) == Cid.parse(str(cid).upper()) == Cid.parse(cid.to_base58()) == cid
    assert len(str(cid)) == 59
    assert len(cid.to_bytes()) == 36


@given(CIDS, CIDS)
def test_equal_order_and_hash(one, other):
    assert (one == other) == (one.to_bytes() == other.to_bytes())
    assert len({one, Cid.parse(str(one))}) == 1
    assert min([one, other]) == min(one, other, key=lambda cid: (cid.codec, cid.digest))


@given(st.text(max_size=70) | st.text("bzBQm", min_size=1, max_size=3).flatmap(lambda p: st.text().map(p.__add__)))
def test_any_text_is_a_cid_or_a_cid_error(text):
    try:
        cid = Cid.parse(text)
    except CidError:
        return
    assert text in (str(cid), str(cid).upper(), cid.to_base58())


@given(st.binary(max_size=40) | st.binary(max_size=40).map(b"\x01\x71\x12\x20".__add__))
def test_any_bytes_are_a_cid_or_a_cid_error(data):
    try:
        cid = Cid.from_bytes(data)
    except CidError:
        return
    assert cid.to_bytes() == data


def test_nothing_shorter_is_a_cid():
    for spelling in (str(CID), str(CID).upper(), CID.to_base58()):
        for end in range(len(spelling)):
            with pytest.raises(CidError):
                Cid.parse(spelling[:end])
    for end in range(36):
        with pytest.raises(CidError):
            Cid.from_bytes(CID.to_bytes()[:end])


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", "version 0"),
        (str(Cid(DAG_PB, CID.digest)), "codec dag-pb, where dag-cbor is expected"),
        (str(Cid(RAW, CID.digest)), "codec raw, where dag-cbor is expected"),
        ("bafzbei" + "a" * 52, "codec libp2p-key"),
        ("ubuntu.iso", "starts with 'b'"),
        ("b" * 60, "at most 59 characters, not 60"),
        (str(CID)[:-1], "cut off or mistyped"),
        (str(CID)[:-2], "36 bytes, not 35"),
    ],
)
def test_the_sentence_says_what_is_wrong(text, part):
    with pytest.raises(CidError, match=part):
        Cid.parse(text, codecs=(DAG_CBOR,))


def test_bytes_say_what_is_wrong():
    with pytest.raises(CidError, match="version 0"):
        Cid.from_bytes(CID.multihash)
    with pytest.raises(CidError, match="36 bytes, not 35"):
        Cid.from_bytes(CID.to_bytes()[:-1])
    with pytest.raises(CidError, match="codec 0x99"):
        Cid.from_bytes(b"\x01\x99\x12\x20" + CID.digest)


def test_parsing_a_novel_costs_nothing():
    with pytest.raises(CidError):
        Cid.parse("z" + "5" * 10_000_000)


def test_only_what_can_be_a_cid_is_made():
    with pytest.raises(CidError, match="not libp2p-key"):
        Cid(0x72, bytes(32))
    with pytest.raises(CidError, match="31"):
        Cid(RAW, bytes(31))


def test_names_only_its_own_bytes():
    cid = Cid.of(RAW, b"chunk")
    assert cid.digest == hashlib.sha256(b"chunk").digest()
    assert cid.names(memoryview(b"chunk"))
    assert not cid.names(b"chunk ")
