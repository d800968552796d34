"""Bars and graphs fill exactly their cells and tell the truth at their ends."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from node.ui.graphs import bar, history, levels, sparkline
from node.ui.text import cells


@given(percent=st.integers(-5, 120), width=st.integers(0, 80))
def test_a_bar_is_as_wide_as_its_place_and_full_only_at_100(percent, width):
    drawn = bar(percent, width)
    assert cells(drawn) == width
    assert (drawn == "█" * width) == (percent >= 100 or width == 0)


@given(st.lists(st.floats(0, 1e12), max_size=70), st.integers(0, 40), st.integers(1, 5))
def test_a_graph_fills_its_place(values, width, height):
    drawn = sparkline(tuple(values), width, height)
    assert len(drawn) == height
    assert all(cells(line) == width for line in drawn)


def test_a_graph_rises_with_its_values():
    assert sparkline((0.0, 0.0), 1) == (" ",)
    assert sparkline((1.0, 4.0), 1) == ("⣸",)
    assert sparkline((0.0, 8.0), 1, 2) == ("⢸", "⢸")
    assert levels((0, 1, 8)) == " ▁█"


@given(
    st.lists(st.floats(0, 1e12), max_size=70), st.integers(0, 40), st.integers(1, 5), st.integers(0, 500), st.booleans()
)
def test_a_history_fills_its_place(values, width, height, more, is_block):
    drawn = history(tuple(values), len(values) + more, 60, width, height, is_block=is_block)
    assert len(drawn) == height
    assert all(cells(line) == width for line in drawn)


def test_a_history_is_of_the_seconds_it_says():
    burst = (5.0, *[0.0] * 59)
    assert history(burst, 60, 60, 12)[0].strip(), "a minute ago is still there"
    assert not history((*burst[1:], 0.0, 0.0, 0.0, 0.0), 63, 60, 12)[0].strip(), "and then no more"
    assert history((0.0,) * 30 + (8.0,) * 30, 60, 60, 4, is_block=True) == ("  ██",)
    assert history((8.0,) * 60, 60, 60, 2, 2, is_block=True) == ("██", "██")
    assert len(set(history((1.0,) * 20, 20, 20, 60)[0])) == 1, "fewer seconds than columns leave no gaps"


def test_a_column_stays_what_it_was_until_all_move_on():
    values = (*(float(n % 3) for n in range(30)), *[90.0] * 10, *(float(n % 7) for n in range(20)))
    shown = [history(values[n:] + values[:n], 60 + n, 60, 12, is_block=True)[0] for n in range(20)]
    for before, after in pairwise(shown):
        assert after[:-1] in (before[:-1], before[1:])
    assert len(set(shown)) > 2


@given(st.integers(0, 300), st.integers(1, 40))
def test_the_newest_second_is_in_the_newest_column(ticks, width):
    assert history((0.0,) * 9 + (1.0,), ticks + 10, 60, width)[0][-1] != " "
