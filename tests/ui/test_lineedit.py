"""The line editor's keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ui.lineedit import LineEdit, line


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        (["ctrl-w"], "download 1 from ", 16),
        (["ctrl-w", "ctrl-w"], "download 1 ", 11),
        (["ctrl-u"], "", 0),
        (["ctrl-a", "ctrl-k"], "", 0),
        (["ctrl-a", "delete"], "ownload 1 from x", 0),
        (["backspace"], "download 1 from ", 16),
        (["ctrl-w", "ctrl-a", "ctrl-y"], "xdownload 1 from ", 1),
        (["alt-b", "alt-b"], "download 1 from x", 11),
        (["home", "ctrl-right"], "download 1 from x", 8),
        (["left", "right", "end"], "download 1 from x", 17),
    ],
)
def test_keys(keys, text, cursor):
    edit = line("download 1 from x")
    for key in keys:
        edit = edit.key(key)
    assert (edit.text, edit.cursor) == (text, cursor)


KEYS = st.sampled_from(
    ["left", "right", "home", "end", "alt-b", "alt-f", "backspace", "delete", "ctrl-w", "ctrl-u", "ctrl-k", "ctrl-y"]
)


@given(st.lists(st.one_of(KEYS, st.text(max_size=4).map(lambda text: "+" + text))))
def test_any_editing_keeps_the_cursor_inside_and_control_characters_out(steps):
    edit = LineEdit()
    for step in steps:
        edit = edit.insert(step[1:]) if step.startswith("+") else edit.key(step)
    assert 0 <= edit.cursor <= len(edit.text)
    assert edit.text.isprintable()
