"""DAG-CBOR from hostile bytes: cheap to refuse, and one encoding for each value."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.dag_cbor import Limits, decode, encode
from protocols.errors import RemoteProtocolError

LIMITS = Limits(size=100_000, depth=4, items=1000)
CID = Cid(RAW, bytes(32))

SCALARS = (
    st.integers(-(1 << 64), (1 << 64) - 1)
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(Cid, st.sampled_from([RAW, DAG_CBOR]), st.binary(min_size=32, max_size=32))
)
VALUES = st.dictionaries(
    st.text(max_size=5), SCALARS | st.lists(SCALARS | st.dictionaries(st.text(), SCALARS, max_size=3), max_size=5)
)


@given(VALUES)
def test_what_is_encoded_is_decoded(value):
    assert decode(encode(value), LIMITS, "the block") == value


@given(VALUES.map(encode), st.data())
def test_changed_bytes_are_refused_or_are_the_one_encoding_of_something(block, data):
    at = data.draw(st.integers(0, len(block) - 1))
    changed = block[:at] + data.draw(st.binary(max_size=4)) + block[at + data.draw(st.integers(0, 4)) :]
    try:
        value = decode(changed, LIMITS, "the block")
    except RemoteProtocolError:
        return
    assert encode(value) == changed


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_are_the_one_encoding_of_something(block):
    try:
        value = decode(block, LIMITS, "the block")
    except RemoteProtocolError:
        return
    assert encode(value) == block


@given(VALUES.map(encode))
def test_nothing_shorter_is_a_block(block):
    for end in range(len(block)):
        with pytest.raises(RemoteProtocolError):
            decode(block[:end], LIMITS, "the block")


REFUSED = {
    "": "ends in the middle",
    "1801": "minimally",
    "190001": "minimally",
    "1a00000001": "minimally",
    "1b0000000000000001": "minimally",
    "5801aa": "minimally",
    "780161": "minimally",
    "a2616201616101": "ordering",
    "a2616101616101": "ordering",
    "a262616101616201": "ordering",
    "a10101": "type",
    "9fff": "indefinite",
    "bfff": "indefinite",
    "5f4101ff": "indefinite",
    "7f6161ff": "indefinite",
    "1c": "reserved",
    "f7": "strict",
    "f820": "strict",
    "f90000": "strict",
    "fa00000000": "strict",
    "fb7ff8000000000000": "NaN",
    "fb7ff0000000000000": "Infinit",
    "ff": "indefinite",
    "c100": "tag",
    "d82a6100": "type",
    "d82a4101": "CID",
    "d82a4100": "version 1",
    "61ff": "utf-8",
    "63eda080": "utf-8",
    "0000": "doesn't end where",
    "a0a0": "doesn't end where",
}


@pytest.mark.parametrize(("block", "part"), REFUSED.items())
def test_refused(block, part):
    with pytest.raises(RemoteProtocolError, match=f"the block.*{part}"):
        decode(bytes.fromhex(block), LIMITS, "the block")


def test_limits_are_exact():
    assert decode(b"\x81\x81\x81\x81\x00", LIMITS, "the block") == [[[[0]]]]
    with pytest.raises(RemoteProtocolError, match="nested deeper than 4"):
        decode(b"\x81\x81\x81\x81\x80", LIMITS, "the block")
    assert decode(b"\x99\x03\xe7" + bytes(999), LIMITS, "the block") == [0] * 999
    with pytest.raises(RemoteProtocolError, match="more than 1000 values"):
        decode(b"\x99\x03\xe8" + bytes(1000), LIMITS, "the block")
    with pytest.raises(RemoteProtocolError, match="more than 1000 values"):
        decode(b"\xb9\x01\xf4", LIMITS, "the block")
    with pytest.raises(RemoteProtocolError, match="100001 bytes, more than 100000"):
        decode(b"\x5a\x00\x01\x86\x9c" + bytes(99_996), LIMITS, "the block")


BOMBS = {
    "a hundred thousand nested lists (CVE-2026-26209)": b"\x81" * 99_999 + b"\x80",
    "a list of four billion": b"\x9a\xff\xff\xff\xff",
    "a list of 2**64 - 1": b"\x9b" + b"\xff" * 8,
    "a map of 2**64 - 1": b"\xbb" + b"\xff" * 8,
    "lists that each claim what is left": b"".join(b"\x9a" + n.to_bytes(4, "big") for n in range(99_000, 0, -5)),
    "many small lists": b"\x99\xff\xff" + b"\x80" * 65_535,
    "text of 2**64 - 1": b"\x7b" + b"\xff" * 8,
    "bytes of two gigabytes": b"\x5a\x7f\xff\xff\xff",
    "a hundred thousand tags": b"\xd8\x2a" * 50_000,
    "a key as long as the block": b"\xa2\x7a\x00\x01\x80\x00" + b"k" * 0x18000 + b"\x00\x61a\x00",
}


@pytest.mark.parametrize("block", BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_what_it_weighs(block):
    tracemalloc.start()
    began = time.thread_time()
    try:
        with pytest.raises(RemoteProtocolError) as caught:
            decode(block, LIMITS, "the block")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert time.thread_time() - began < 5  # of the processor, whoever else wants it; linear is well under one
    assert len(str(caught.value)) < 200


def test_links_are_cids():
    assert decode(encode({"link": CID}), LIMITS, "the block") == {"link": CID}
    assert encode({"link": CID}).hex() == "a1646c696e6bd82a5825000155122" + "0" + "00" * 32
