"""What a person chooses of the dashboard: keys, columns, how it is read; and looking for a key in the help."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.errors import UsageError
from node.ui.keymap import BINDINGS
from node.ui.preferences import Preferences, parse
from node.ui.view import view
from tests.ui.scenes import ITEMS, pressed, scene, text_of, typed


def screen(model) -> str:
    return "\n".join(text_of(view(model)))


def test_nothing_chosen_is_nothing_changed():
    assert parse("", "dashboard.toml") == Preferences()


def test_everything_can_be_chosen():
    text = """
        theme = "cvd"
        units = "iec"
        rate = 2
        mouse = false
        a11y = true
        ascii = true
        columns = ["size", "done"]
        [keys]
        pause = "P"
        line-down = ["j", "ctrl-n"]
    """
    chosen = parse(text, "dashboard.toml")
    assert (chosen.theme, chosen.rate, chosen.is_mouse_on, chosen.is_a11y) == ("cvd", 2.0, False, True)
    assert chosen.is_ascii
    assert chosen.columns == ("size", "done")
    assert chosen.units == "iec"
    assert chosen.keys == {"pause": ("P",), "line-down": ("j", "ctrl-n")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("theme = 'pink'", "theme is shoal"),
        ("rate = 100", "rate is a number"),
        ("rate = true", "rate is a number"),
        ("mouse = 1", "mouse is true or false"),
        ("columns = ['speeed']", "columns is a list of"),
        ("columns = ['size', 'size']", "at most once"),
        ("columns = [[]]", "columns is a list of"),
        ("units = 'KiB'", "units is si or iec"),
        ("colour = 1", "there is no colour, only theme"),
        ("keys = 3", "keys is a table"),
        ("[keys]\njump = 'x'", "there is no action 'jump'"),
        ("[keys]\npause = 7", "the keys of pause"),
        ("[keys]\npause = 'd'", "d would be both"),
        ("theme = ", "Invalid value"),
    ],
)
def test_a_mistake_is_named(text, said):
    with pytest.raises(UsageError, match=said):
        parse(text, "dashboard.toml")


def test_chosen_keys_do_it_and_the_old_ones_no_longer():
    model = replace(scene(), keys=parse("[keys]\npause = 'P'", "").keys)
    assert not pressed(model, "p")[1]
    assert pressed(model, "P")[1]
    assert "P pause" in screen(model)
    assert "P " in screen(pressed(model, "?")[0])


def test_the_cursor_is_on_the_selected_row_for_those_who_read_by_it():
    model = replace(scene(80, 24), is_a11y=True)
    column, row = view(model).cursor
    assert ITEMS[0].name in text_of(view(model))[row]
    model, _ = pressed(model, "j", "j")
    assert ITEMS[2].name in text_of(view(model))[view(model).cursor[1]]
    assert view(replace(model, is_a11y=False)).cursor is None
    assert column == 0


def test_a_key_is_looked_for_in_the_help():
    model, _ = pressed(scene(), "?", "/", *typed("mouse"))
    shown = screen(model)
    assert "mouse on/off" in shown
    assert "half a page" not in shown
    model, _ = pressed(model, "enter")
    assert "half a page" not in screen(model)
    model, _ = pressed(model, "/", "esc")
    assert "half a page" in screen(model)
    model, _ = pressed(model, "q")
    assert not model.is_help_open


def test_every_key_is_in_the_help_of_the_smallest_usual_terminal():
    shown = screen(pressed(scene(80, 24), "?")[0])
    for words in {binding.words for binding in BINDINGS if not binding.action.startswith("screen:")}:
        assert words in shown
