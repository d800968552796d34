"""The columns of Transfers: which, in which order, in which units, and how a choice is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.errors import UsageError
from node.ui import messages as msg
from node.ui.preferences import arrangement, parse, with_columns
from node.ui.units import choose_units
from node.ui.view import view
from node.ui.view_transfers import COLUMNS
from tests.ui.scenes import ITEMS, NEWS, pressed, scene, text_of, told, typed

WHERE = "dashboard.toml"


def headings(model) -> list[str]:
    line = text_of(view(replace(model, dialog=None)))[1]
    return line.replace("#▾", "#").replace(" 60s", "").split()


def chosen(text: str, width: int = 200):
    columns, hidden = arrangement(parse(text, WHERE).columns)
    return replace(scene(width, 60), columns=columns, hidden=hidden)


@pytest.fixture
def binary():
    choose_units("iec")
    yield
    choose_units("si")


class TestColumns:
    def test_all_of_the_specification_at_its_widths(self):
        assert headings(scene(80, 24)) == ["#", "NAME", "SIZE", "DONE", "DOWN", "UP", "ETA"]
        assert headings(scene(120, 40)) == [
            "#",
            "NAME",
            "SIZE",
            "DONE",
            "DOWN",
            "UP",
            "ETA",
            "STATE",
            "PEERS",
            "RATIO",
            "AVAIL",
        ]
        all_of_them = "# NAME SIZE DONE DOWN UP ETA STATE PEERS RATIO AVAIL SPEED PRIO ADDED ID"
        assert headings(scene(200, 60))[:15] == all_of_them.split()

    def test_copies_and_priority_are_told_and_sorted_by(self):
        model = scene(200, 60)
        lines = text_of(view(model))
        assert " 3.40 " in lines[2]
        assert " norm " in lines[2]
        assert " low " in lines[5]
        assert " 0.93 " in lines[6]
        model, _ = pressed(model, ":", *typed("sort avail"), "enter")
        assert [line.split()[0] for line in text_of(view(model))[3:5]] == ["5", "2"]
        model, _ = pressed(model, ":", *typed("sort priority"), "enter")
        assert text_of(view(model))[2].split()[0] == "5"

    def test_they_come_and_go(self):
        model, _ = pressed(scene(200, 60), "o", "1")
        assert model.dialog is not None, "more may be chosen"
        assert "SIZE" not in headings(model)
        model, effects = pressed(model, "j", "space", "q")
        assert headings(model)[2] == "DOWN"
        assert effects == [msg.KeepColumns(COLUMNS[2:])]
        model, effects = pressed(model, "o", "1", "2", "esc")
        assert headings(model)[2:4] == ["SIZE", "DONE"]
        assert effects == [msg.KeepColumns(COLUMNS)]

    def test_one_is_moved_and_stays_lit(self):
        model, _ = pressed(scene(200, 60), "o", "j", "J", "J")
        assert headings(model)[2:6] == ["SIZE", "DOWN", "UP", "DONE"]
        assert any("> 4" in line.replace(">4", "> 4") and "DONE" in line for line in text_of(view(model)))
        model, effects = pressed(model, "K", "K", "enter")
        assert headings(model)[2:6] == ["SIZE", "DONE", "DOWN", "UP"]
        assert effects == [msg.KeepColumns(COLUMNS)]
        assert model.columns == (), "the usual order again, with its own order of importance"

    def test_the_ends_stay_the_ends(self):
        model, _ = pressed(scene(200, 60), "o", "K", "k", "k")
        assert headings(model)[2] == "SIZE"
        model, _ = pressed(model, *["j"] * 30, "J", "j", "J")
        assert headings(model)[-1] == "ORDER"

    def test_in_an_order_of_ones_own_the_last_go_first(self):
        model = chosen('columns = ["ratio", "peers", "size", "done"]', 60)
        assert headings(model) == ["#", "NAME", "RATIO", "PEERS", "SIZE"]
        assert headings(replace(model, width=200)) == ["#", "NAME", "RATIO", "PEERS", "SIZE", "DONE"]

    def test_none_at_all(self):
        assert headings(chosen("columns = []")) == ["#", "NAME"]

    def test_rows_under_the_dialog_stay_in_their_order(self):
        model, _ = pressed(scene(200, 60), "s", "5", "o")
        before = [line.split()[:2] for line in text_of(view(replace(model, dialog=None)))[2:9]]
        faster = replace(ITEMS[1], down_bps=9e9)
        model = told(model, replace(NEWS, now=NEWS.now + 60, items=(ITEMS[0], faster, *ITEMS[2:])))
        assert [line.split()[:2] for line in text_of(view(replace(model, dialog=None)))[2:9]] == before


class TestKept:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            'theme = "cvd"  # mine\n[keys]\ncolumns = ["O"]\n',
            '# first\ncolumns = ["eta"] # these\nrate = 2\n',
            'rate = 2\ncolumns = [\n  "eta",  # one\n  "up",\n]\n[keys]\npause = "P"\n',
            'theme = "mono"',
        ],
    )
    def test_a_choice_changes_nothing_else_of_the_file(self, text):
        changed = with_columns(text, ("done", "size"), WHERE)
        before, after = parse(text, WHERE), parse(changed, WHERE)
        assert after == replace(before, columns=("done", "size"))
        comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line and '"eta",' not in line]
        assert [line.partition("#")[2] for line in changed.splitlines() if "#" in line] == comments
        assert with_columns(changed, ("done", "size"), WHERE) == changed

    @pytest.mark.parametrize("text", ["theme = ", '"columns" = ["eta"]', "rate = 99"])
    def test_a_file_that_is_not_understood_stays_as_it_is(self, text):
        with pytest.raises(UsageError):
            with_columns(text, ("done",), WHERE)


class TestBinaryUnits:
    def test_amounts_fit_their_columns(self, binary):
        news = replace(NEWS, items=(replace(ITEMS[0], size=2_500_000_000, down_bps=2.5e6), *ITEMS[1:]))
        for width in (80, 120, 200):
            for keys in ((), ("3",), ("4",)):
                shown = "\n".join(text_of(view(scene(width, 24, *keys, news=news))))
                assert "iB" in shown
                assert "Mi…" not in shown
                assert "…B" not in shown
        assert "2.33 GiB" in shown or "2.38 MiB/s" in shown

    def test_the_header_stays_short(self, binary):
        assert "▼2.3M" in text_of(view(scene(80, 24)))[0]


@pytest.mark.parametrize("keys", [(), ("4",)])
def test_the_numbers_of_thousands_of_shares_are_whole(keys):
    seeding = replace(ITEMS[1], number=12_345)
    shown = text_of(view(scene(80, 24, *keys, news=replace(NEWS, items=(seeding,)))))
    assert any(" 12345 " in line for line in shown)
    few = text_of(view(scene(80, 24, *keys)))
    assert any(line.startswith("    2 ") for line in few)


def test_the_smallest_terminal_shows_how_far_a_file_is():
    assert text_of(view(scene(20, 5)))[2].endswith(" 45%")
