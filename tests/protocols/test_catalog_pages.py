"""Pages and heads: what is written is read back, what can't be said isn't written, and pages stay when they may."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from protocols.catalog import Entry, Head, decode_page, encode_page, peer_id_of, seal, split, unseal
from protocols.catalog.limits import MAX_HEAD_SIZE, MAX_PAGE_ENTRIES, MAX_PAGE_SIZE, MAX_PAGES
from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
HEAD = Head(peer_id_of(KEY.public_key()), 1, 1000, 2000, 0, ())


def make(number: int, name: str | None = None) -> Entry:
    return Entry(Cid.of(DAG_CBOR, number.to_bytes(8, "big")), name or f"file {number}", number, 1)


def ordered(numbers) -> list[Entry]:
    return sorted(map(make, numbers), key=lambda entry: entry.cid)


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..")
)
entries = st.lists(
    st.builds(
        Entry,
        st.binary(min_size=32, max_size=32).map(lambda digest: Cid(DAG_CBOR, digest)),
        names,
        st.integers(0, 2**63 - 1),
        st.integers(0, 65_536),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda entry: entry.cid,
)


@given(entries)
def test_a_page_is_read_as_it_was_written(found):
    page = tuple(sorted(found, key=lambda entry: entry.cid))
    assert decode_page(encode_page(page)) == page


@given(st.binary(max_size=200))
def test_any_bytes_are_a_page_or_refused(block):
    with suppress(RemoteProtocolError):
        assert encode_page(decode_page(block)) == block


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_refused(envelope):
    with pytest.raises(RemoteProtocolError):
        unseal(envelope)


def test_the_largest_page_and_one_entry_more():
    page = [replace(entry, name="n" * 255, size=2**63 - 1, files=65_536) for entry in ordered(range(1025))]
    assert len(encode_page(page[:MAX_PAGE_ENTRIES])) <= MAX_PAGE_SIZE
    with pytest.raises(LocalProtocolError, match="1025 entries"):
        encode_page(page)


@pytest.mark.parametrize("change", [{"name": "a/b"}, {"size": -1}, {"files": 65_537}, {"cid": Cid.of(RAW, b"")}])
def test_what_no_page_may_say_is_not_written(change):
    with pytest.raises(LocalProtocolError):
        encode_page([replace(make(1), **change)])


def test_split_keeps_every_entry_and_cuts_by_content():
    every = ordered(range(5000))
    pages = [tuple(page) for page in split(every)]
    assert [entry for page in pages for entry in page] == every
    assert all(len(page) <= MAX_PAGE_ENTRIES for page in pages)
    assert 10 <= len(pages) <= 30  # about one in 256 ends a page
    assert list(split([])) == []


def test_a_page_is_cut_when_it_is_full():
    every = [entry for entry in ordered(range(3000)) if entry.cid.digest[-1] != 0][: MAX_PAGE_ENTRIES + 1]
    assert [len(page) for page in split(every)] == [MAX_PAGE_ENTRIES, 1]


def test_one_share_more_or_less_leaves_the_other_pages_alone():
    every = ordered(range(5000))
    before = {encode_page(page) for page in split(every)}
    for change in (ordered(range(5001)), every[:2500] + every[2501:]):
        after = {encode_page(page) for page in split(change)}
        assert len(after - before) <= 2


def test_the_longest_head_fits():
    pages = tuple(make(number).cid for number in range(MAX_PAGES))
    head = Head(HEAD.publisher, 2**63 - 1, 2**62, 2**62 + 172_800, 16_384, pages)
    sealed = seal(head, KEY)
    assert len(sealed) <= MAX_HEAD_SIZE
    assert unseal(sealed) == head
    with pytest.raises(RemoteProtocolError, match="more than"):
        unseal(sealed + bytes(MAX_HEAD_SIZE))


@pytest.mark.parametrize("change", [{"seq": 0}, {"expires": 1000}, {"count": 1}, {"pages": (make(1).cid,)}])
def test_what_no_head_may_say_is_not_sealed(change):
    with pytest.raises(LocalProtocolError):
        seal(replace(HEAD, **change), KEY)


def test_a_head_is_sealed_by_its_publisher_only():
    with pytest.raises(LocalProtocolError, match="signed by its publisher"):
        seal(HEAD, Ed25519PrivateKey.from_private_bytes(b"x" * 32))


@given(st.integers(0), st.integers(0, 255))
def test_a_head_with_a_byte_changed_is_refused(at, byte):
    sealed = bytearray(seal(HEAD, KEY))
    at %= len(sealed)
    if sealed[at] == byte:
        assert unseal(bytes(sealed)) == HEAD
        return
    sealed[at] = byte
    with pytest.raises(RemoteProtocolError):
        unseal(bytes(sealed))
