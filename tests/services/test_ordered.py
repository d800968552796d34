"""Rows in order: what a sorted list of them would hold, in blocks that stay small."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from node.services import ordered
from node.services.ordered import Ordered

numbers = st.integers(0, 40)


@given(st.lists(numbers), numbers, numbers)
def test_it_holds_what_a_sorted_list_would(steps, start, end):
    rows: Ordered[tuple[int, bytes]] = Ordered()
    model: set[tuple[int, bytes]] = set()
    with mock.patch.object(ordered, "MAX_BLOCK", 4):
        for number in steps:
            row = (number, b"key")
            (rows.remove if row in model else rows.add)(row)
            model ^= {row}
            in_order = sorted(model)
            assert rows.first == (in_order[0] if model else None)
            assert rows.last == (in_order[-1] if model else None)
        some = list(rows.between((start, b""), (end, b"")))
    assert some == [row for row in sorted(model) if (start, b"") <= row < (end, b"")]
    assert max(map(len, rows._blocks), default=0) <= 4
