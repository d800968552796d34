"""Whoever has the most gives way, and nobody falls below another by it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from node.swarm.fair_share import FairShare

ROOM = 12


def test_nobody_gives_way_to_who_would_have_as_many():
    shares = FairShare({"heavy": 3, "light": 2})
    assert shares.who_gives_way("light") is None
    assert shares.who_gives_way("heavy") is None
    assert shares.who_gives_way("new") == "heavy"
    assert FairShare({}).who_gives_way("new") is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans())))
def test_the_first_of_those_with_the_most_gives_way(steps):
    shares, model = FairShare({}), Counter()
    for user, is_taken in steps:
        if is_taken:
            shares.took(user)
            model[user] += 1
        elif model[user]:
            shares.gave(user)
            model[user] -= 1
        most = max(model.values(), default=0)
        for each in "abcdefg":
            other = shares.who_gives_way(each)
            assert (other is not None) == (most > model[each] + 1)
            assert other is None or model[other] == most


@given(st.lists(st.sampled_from("abcd")))
def test_in_a_full_house_everybody_gets_an_equal_part_or_all_that_was_asked_for(askers):
    shares, model = FairShare({}), Counter()
    for user in askers:
        if model.total() >= ROOM:
            if (other := shares.who_gives_way(user)) is None:
                continue
            shares.gave(other)
            model[other] -= 1
        shares.took(user)
        model[user] += 1
    asked = Counter(askers)
    for user, count in asked.items():
        assert model[user] >= min(count, ROOM // len(asked))
