"""What the prompt knows while a line is typed: what may come next, how it went on before, and what a number means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.ui.model import CommandWord
from node.ui.view import view
from tests.ui.scenes import COMMANDS, NEWS, pressed, scene, text_of, typed

MORE = (
    CommandWord("ban", "ban [PEER]", "have nothing to do with a peer"),
    CommandWord("unban", "unban PEER", "let it come back"),
)


def prompted(line: str, *keys: str, news=NEWS, **changes):
    model = replace(scene(80, 24, "3", news=news), commands=(*COMMANDS, *MORE), **changes)
    return pressed(model, ":", *typed(line), *keys)[0]


def shown(model) -> str:
    return "\n".join(text_of(view(model))[-8:])


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("shu", "shutdown "),
        ("SHU", "shutdown "),
        ("pause 8", "pause 8 "),
        ("download 1 f", "download 1 from "),
        ("download 1 from 192.168.1.1", "download 1 from 192.168.1.1"),
        ("download 1 from 192.168.1.2", "download 1 from 192.168.1.20 "),
        ("get 1 from 2", "get 1 from 2001:db8::17 "),
        ("download 2 from 192", "download 2 from 192"),
        ("ban 2001", "ban 2001:db8::17 "),
        ("ban 192.168.1.6", "ban 192.168.1.6"),
        ("unban ", "unban 192.168.1.66 "),
        ("sort rat", "sort ratio "),
        ("theme c", "theme cvd "),
        ("nonsense 1", "nonsense 1"),
        ("share 1", "share 1"),
        ("", ""),
    ],
)
def test_tab(line, completed):
    assert prompted(line, "tab").prompt.edit.text == completed


def test_a_line_of_the_history_goes_on_in_grey_and_is_taken_by_an_arrow():
    model = prompted("down", history=("download 7", "downlink", "download 8 from x", "list"))
    assert "load 8 from x" in text_of(view(model))[-1]
    assert ("load 8 from x", "ghost") in view(model).lines[-1]
    assert view(model).cursor[0] == 5, "the cursor stays where typing goes on"
    for key in ("right", "end", "ctrl-e", "ctrl-f"):
        assert pressed(model, key)[0].prompt.edit.text == "download 8 from x"
    assert pressed(model, "left")[0].prompt.edit.text == "down"
    model, _ = pressed(model, "esc", "/", *typed("down"))
    assert "load 8" not in text_of(view(model))[-1]


def test_what_a_number_means_is_told_before_enter():
    assert "→ #1 ubuntu.iso  2.50 GB  1 peer" in shown(prompted("pause 1"))
    assert "→ #2 movie.mp4" in shown(prompted("info #2"))
    both = shown(prompted("download 1"))
    assert "→ hit 1 linux.iso" in both
    assert "→ #1 ubuntu.iso" in both, "after a while it is the row"
    assert "→ hit" not in shown(prompted("pause 1"))
    assert "→" not in shown(prompted("pause 99"))


def test_from_whom_a_download_can_be_had():
    model = prompted("download 1 from ")
    assert "192.168.1.10 90% 2.30 MB/s   192.168.1.15 100% 1.50 MB/s" in shown(model)
