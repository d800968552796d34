"""Which chunk a probe asks for."""

from __future__ import annotations

from random import Random

import pytest

from node.services.searching_probing import any_of
from protocols.bitfield import Bitfield


class Huge(Bitfield):
    """One that is not to be gone through bit by bit."""

    def __iter__(self):
        pytest.fail("it was listed")


def test_of_a_peer_that_has_most_of_two_million_chunks_one_is_picked_without_listing_them():
    have = Huge.full(1 << 21)
    for number in range(0, 1 << 21, 1000):
        have.clear(number)
    assert all(have[any_of(have, Random(seed))] for seed in range(20))


def test_of_few_chunks_any_may_be_picked():
    have = Bitfield(100_000)
    for chunk in (7, 99_999):
        have.set(chunk)
    assert {any_of(have, Random(seed)) for seed in range(20)} == {7, 99_999}
