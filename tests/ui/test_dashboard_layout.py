"""Every screen at every size: exactly as many lines of exactly as many cells, whatever the names are."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.ui import messages as msg
from node.ui.cells import line_cells
from node.ui.frame import Frame
from node.ui.model import Model
from node.ui.text import cells
from node.ui.view import view
from tests.searches import LINUX, NOTHING
from tests.ui.scenes import DETAIL, ITEMS, NEWS, NOW, PEERS, scene, text_of, told, typed

KEYS = {
    "transfers": (),
    "search": ("2",),
    "peers": ("3",),
    "uploads": ("4",),
    "network": ("5",),
    "log": ("6",),
    "details": ("enter",),
    "details-chunks": ("enter", "tab"),
    "details-peers": ("enter", "tab", "tab"),
    "details-files": ("enter", "tab", "tab", "tab"),
    "help": ("?",),
    "cancel": ("x",),
    "sort": ("s",),
    "prompt": (":", *typed("d")),
    "filter": ("/", *typed("zip")),
    "nothing-found": ("/", *typed("no such name"), "enter"),
}
GONE = msg.Offline("the node went away", NOW + 3, 4)


def assert_exact(frame: Frame) -> None:
    assert len(frame.lines) == frame.height
    for line in frame.lines:
        assert sum(cells(text) for text, _ in line) == frame.width, line
        for text, _ in line:
            assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in text)


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_every_screen_fits_every_size(keys):
    model = scene(80, 24, *keys)
    for width in (1, 7, *range(19, 45, 5), 79, 80, 100, 119, 160, 220):
        for height in (1, 4, 5, 6, 7, 17, 18, 35, 36, 60):
            assert_exact(view(replace(model, width=width, height=height)))


def test_the_network_screen_tells_of_catalogues_once_there_are_some():
    model = scene(80, 24, "5")
    assert "Catalogues" not in "\n".join(text_of(view(model)))
    node = replace(NEWS.node, catalogues=3, catalogue_entries=12_345)
    knows = told(model, replace(NEWS, node=node))
    assert "12,345 entries of 3 other nodes known here" in "\n".join(text_of(view(knows)))


@pytest.mark.parametrize("size", [(80, 24), (20, 5), (200, 60)])
def test_a_node_that_is_gone_a_young_node_and_an_answer_fit(size):
    empty = replace(NEWS, items=(), detail=None, peers=None)
    for model in (
        Model(*size),
        scene(*size, news=empty),
        told(scene(*size), GONE),
        told(Model(*size), replace(GONE, is_starting=True)),
        told(scene(*size), msg.Printed("list", tuple("x" * n for n in range(100)))),
        told(scene(*size), msg.Said("e\x1b[2J" * 90, is_error=True)),
    ):
        assert_exact(view(model))


NAMES = st.text(max_size=60) | st.sampled_from(
    [*(item.name for item in ITEMS), "\u202egnp.exe", "e" + "\u0301" * 50, "👍🏽🇩🇪👩\u200d👩\u200d👧", "x" * 255, ""]
)


@given(name=NAMES, width=st.integers(1, 210), height=st.integers(1, 62), keys=st.sampled_from(list(KEYS.values())))
def test_no_name_makes_a_frame_of_another_size(name, width, height, keys):
    items = tuple(replace(item, name=name, reason=name, path=name) for item in ITEMS)
    peers = tuple(replace(peer, address=name, multiaddr=name) for peer in PEERS)
    detail = replace(DETAIL, item=items[0], peers=peers, file_list=(replace(DETAIL.file_list[0], path=name),))
    search = replace(LINUX, text=name, hits=(replace(LINUX.hits[0], name=name), *LINUX.hits[1:]))
    news = replace(NEWS, items=items, peers=peers, detail=detail, log=(name,), search=search)
    assert_exact(view(scene(width, height, *keys, news=news)))


@given(name=NAMES)
def test_a_name_changes_no_cell_outside_its_own_column(name):
    def screen(called: str) -> list[tuple[tuple[str, str], ...]]:
        items = (*ITEMS[:1], replace(ITEMS[1], name=called), *ITEMS[2:])
        return [line_cells(line) for line in view(scene(120, 24, news=replace(NEWS, items=items))).lines]

    plain, hostile = screen("plain"), screen(name)
    start, end = "".join(text for text, _ in plain[1]).index("NAME"), 0
    end = "".join(text for text, _ in plain[1]).index("SIZE") - 4
    for row, (one, other) in enumerate(zip(plain, hostile, strict=True)):
        columns = range(start, end) if row == 3 else range(0)
        assert [cell for at, cell in enumerate(one) if at not in columns] == [
            cell for at, cell in enumerate(other) if at not in columns
        ]


@given(name=NAMES, width=st.integers(20, 120))
def test_ascii_glyphs_have_the_same_widths(name, width):
    items = (replace(ITEMS[0], name=name), *ITEMS[1:])
    for line in view(scene(width, 40, "enter", news=replace(NEWS, items=items))).lines:
        shown = line_cells(line, is_ascii=True)
        assert len(shown) == width
        assert all(len(text) == 1 and text.isascii() for text, _ in shown)


def test_the_state_is_told_by_glyph_and_word_and_not_by_colour_alone():
    shown = "\n".join(text_of(view(scene(120, 24))))
    for word in ("down", "seed", "done", "paused", "stalled", "error", "verify"):
        assert word in shown


def test_below_20_by_5_there_is_a_sentence():
    assert text_of(view(scene(19, 24)))[0].startswith("terminal too small")
    assert text_of(view(scene(80, 4)))[0] == "terminal too small"


@pytest.mark.parametrize(("name", "size", "keys"), [
    ("dashboard-transfers-80x24", (80, 24), ()),
    ("dashboard-transfers-120x40", (120, 40), ()),
    ("dashboard-transfers-200x60", (200, 60), ()),
    ("dashboard-transfers-20x5", (20, 5), ()),
    ("dashboard-details-80x24", (80, 24), ("enter",)),
    ("dashboard-search-80x24", (80, 24), ("2",)),
    ("dashboard-search-120x40", (120, 40), ("2", "j")),
    ("dashboard-peers-80x24", (80, 24), ("3",)),
    ("dashboard-uploads-80x24", (80, 24), ("4",)),
    ("dashboard-network-80x24", (80, 24), ("5",)),
    ("dashboard-log-80x24", (80, 24), ("6",)),
    ("dashboard-help-80x24", (80, 24), ("?",)),
    ("dashboard-cancel-80x24", (80, 24), ("x",)),
])  # fmt: skip
def test_golden(golden, name, size, keys, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    golden(name, text_of(view(scene(*size, *keys))))


def test_golden_of_a_node_that_is_gone(golden):
    golden("dashboard-offline-80x24", text_of(view(told(scene(), GONE))))


@pytest.mark.parametrize("search", [None, NOTHING, replace(NOTHING, is_over=False, is_checked=False)])
def test_a_search_without_hits_fits_and_says_what_it_can(search):
    for size in ((80, 24), (20, 5), (30, 4), (200, 60)):
        assert_exact(view(scene(*size, "2", news=replace(NEWS, search=search))))
    shown = "\n".join(text_of(view(scene(80, 24, "2", news=replace(NEWS, search=search)))))
    if search is None:
        assert ":search <text>" in shown
    else:
        assert ("the DHT named nobody" in shown) == search.is_over
