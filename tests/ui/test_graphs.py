"""Bars and graphs fill exactly their cells and tell the truth at their ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node.ui.graphs import bar, levels, sparkline
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
