"""Bitfields against a plain set, and against what a peer may send."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocols.bitfield import Bitfield
from protocols.errors import RemoteProtocolError


def bitfield_of(length, indices):
    field = Bitfield(length)
    for index in indices:
        field.set(index)
    return field


@st.composite
def lengths_and_sets(draw, sets):
    length = draw(st.integers(0, 70))
    indices = st.sets(st.integers(0, length - 1)) if length else st.just(set())
    return length, *(draw(indices) for _ in range(sets))


class AgainstASet(RuleBasedStateMachine):
    """Every operation on a bitfield does to it what it does to a set."""

    @initialize(length=st.integers(1, 40))
    def start(self, length):
        self.field = Bitfield(length)
        self.model = set()

    @rule(data=st.data())
    def add(self, data):
        index = data.draw(st.integers(0, self.field.length - 1))
        assert self.field.set(index) == (index not in self.model)
        self.model.add(index)

    @rule(data=st.data())
    def take_away(self, data):
        index = data.draw(st.integers(0, self.field.length - 1))
        assert self.field.clear(index) == (index in self.model)
        self.model.discard(index)

    @rule()
    def over_the_wire(self):
        self.field = Bitfield.from_bytes(self.field.length, self.field.to_bytes())

    @invariant()
    def same(self):
        everything = set(range(self.field.length))
        assert list(self.field) == sorted(self.model)
        assert list(self.field.missing()) == sorted(everything - self.model)
        assert self.field.count == len(self.model)
        assert self.field.is_complete == (self.model == everything)
        assert {index for index in everything if self.field[index]} == self.model


TestAgainstASet = AgainstASet.TestCase


@given(lengths_and_sets(2))
def test_what_another_has_and_this_one_lacks(drawn):
    length, mine, theirs = drawn
    have, other = bitfield_of(length, mine), bitfield_of(length, theirs)
    assert list(have.missing_from(other)) == sorted(theirs - mine)
    assert have.count_missing_from(other) == len(theirs - mine)


@given(lengths_and_sets(1))
def test_the_highest_bit_of_the_first_byte_is_chunk_0(drawn):
    length, indices = drawn
    bits = "".join("1" if index in indices else "0" for index in range(length))
    bits += "0" * (-length % 8)
    data = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    assert bitfield_of(length, indices).to_bytes() == data
    assert Bitfield.from_bytes(length, memoryview(data)) == bitfield_of(length, indices)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 16, 1000])
def test_a_full_one_has_everything_and_no_spare_bits(length):
    full = Bitfield.full(length)
    assert full.is_complete
    assert list(full) == list(range(length))
    assert list(full.missing()) == []
    assert Bitfield.from_bytes(length, full.to_bytes()) == full


@given(st.integers(0, 40), st.binary(max_size=6))
def test_any_bytes_are_taken_whole_or_are_the_peers_fault(length, data):
    try:
        field = Bitfield.from_bytes(length, data)
    except RemoteProtocolError:
        spare = int.from_bytes(data, "big") & ((1 << (-length % 8)) - 1)
        assert len(data) != (length + 7) // 8 or spare
    else:
        assert field.to_bytes() == data
        assert field.count == sum(1 for _ in field)


def test_a_bitfield_may_change_while_it_is_walked():
    field = bitfield_of(100, range(0, 100, 3))
    seen = []
    for index in field:
        field.clear(index)
        seen.append(index)
    assert seen == list(range(0, 100, 3))
    assert field.count == 0
    for index in field.missing():
        field.set(index)
    assert field.is_complete


def test_a_copy_changes_on_its_own():
    field = bitfield_of(10, [1, 2])
    copy = field.copy()
    copy.set(3)
    assert (list(field), list(copy), copy.count) == ([1, 2], [1, 2, 3], 3)
    assert field != copy


@pytest.mark.parametrize("index", [-1, 8])
def test_no_chunk_outside(index):
    field = Bitfield(8)
    for operation in (field.__getitem__, field.set, field.clear):
        with pytest.raises(IndexError):
            operation(index)


def test_two_shares_are_not_compared():
    with pytest.raises(ValueError, match="not of one share"):
        Bitfield(8).missing_from(Bitfield(9))
    assert Bitfield(8) != Bitfield(9)
    assert Bitfield(8) != b"\0"


def test_it_is_no_dictionary_key():
    with pytest.raises(TypeError):
        hash(Bitfield(8))


def test_its_repr_says_how_full_it_is():
    assert repr(bitfield_of(9, [0, 8])) == "<Bitfield 2 of 9>"


def test_looking_for_the_few_of_a_million_makes_no_list():
    have = Bitfield.full(1_000_000)
    for index in (17, 500_000, 999_999):
        have.clear(index)
    other = Bitfield.full(1_000_000)
    tracemalloc.start()
    try:
        assert list(have.missing_from(other)) == list(have.missing()) == [17, 500_000, 999_999]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000  # a few copies of 125,000 bytes, and nothing for each chunk
