"""Small things that a person is told: a bell, the age of a wait, what stands where, and what can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.status import TransferState
from node.ui import messages as msg
from node.ui.cells import _ASCII, line_cells
from node.ui.keymap import _HINTS, _IN_DETAILS, _PLACES, BINDINGS
from node.ui.model import WAIT_S, Contact, Model
from node.ui.preferences import parse
from node.ui.text import _OWN_GLYPHS
from node.ui.update import update
from node.ui.view import view
from node.ui.view_details import MAP_LABEL
from node.ui.wants import wants
from tests.searches import LINUX
from tests.ui.scenes import ITEMS, NEWS, NOW, pressed, scene, text_of, told


def shown(model) -> str:
    return "\n".join(text_of(view(model)))


def test_the_bell_rings_once_for_a_complete_download_where_it_is_wanted():
    done = replace(ITEMS[0], state=TransferState.SEEDING, chunks_have=256, bytes_have=ITEMS[0].size)
    news = replace(NEWS, items=None, moving=(done,))
    quiet, wanted = scene(), replace(scene(), has_bell=parse("bell = true", "").has_bell)
    assert update(quiet, news)[1] == ()
    model, effects = update(wanted, news)
    assert effects == (msg.Bell(),)
    assert update(model, news)[1] == ()


@pytest.mark.parametrize("keys", [(), ("4",), ("5",)])
def test_graphs_of_blocks_have_no_braille(keys):
    model = scene(200, 60, *keys)
    for second in range(5):
        model = told(model, msg.Tick(NOW + second, 0.0))
    assert any("\u2800" < each <= "\u28ff" for each in shown(model))
    model = replace(model, has_blocks=parse('graph = "block"', "").has_blocks)
    assert not any("\u2800" <= each <= "\u28ff" for each in shown(model))
    assert "█" in shown(model)


def test_a_wait_has_an_age_after_a_second():
    model = Model(80, 24, contact=Contact(since=NOW), now=NOW)
    assert "onnecting" not in shown(model)
    model = replace(model, now=NOW + 1.1 * WAIT_S)
    assert "Connecting to the node …\n" in shown(model) + "\n"
    assert "connecting ◐" in shown(model)
    assert "Connecting to the node … 2 s" in shown(replace(model, now=NOW + 2))


def test_an_empty_list_says_how_to_begin():
    text = shown(scene(news=replace(NEWS, items=(), detail=None)))
    for command in (":share <path>", ":search <text>", ":download <cid|link>"):
        assert command in text


def test_details_tell_when_it_was_added_the_ratio_and_the_commands():
    for width in (80, 160):
        text = shown(scene(width, 30, "enter"))
        assert "dded" in text
        assert "02-1" in text
        assert "ratio 0.33" in text
        assert "'peers 1' who is sharing" in text
    assert "'stop' stops seeding" in shown(pressed(scene(80, 24, "j"), "enter")[0])
    assert "rarest 1 copy" in shown(scene(80, 24))


def test_the_limit_of_an_upload_is_there_at_80_columns():
    news = replace(NEWS, items=(replace(ITEMS[1], up_limit_bps=1e6), *ITEMS[2:]))
    text = shown(scene(80, 24, "4", news=news))
    assert "1.00 MB/s" in text
    assert "60 s" in text


def test_whether_others_get_through_is_told_once_somebody_has():
    text = shown(scene(80, 24, "5"))
    assert "yes, 12 connections came in   mDNS off" in text
    assert "limit 300" in text
    alone = replace(NEWS, network=replace(NEWS.network, connections_in=0), node=replace(NEWS.node, mdns=True))
    assert "? unknown: nobody has connected to this node yet   mDNS on" in shown(scene(80, 24, "5", news=alone))


def test_a_search_under_way_tells_how_many_have_answered():
    asked = (replace(LINUX.asked[0], reply="waiting"), *LINUX.asked[1:])
    search = replace(LINUX, asked=asked, is_over=False, is_checked=False, seconds=3.2)
    text = shown(scene(80, 24, "2", news=replace(NEWS, search=search)))
    assert f"asked {len(asked) - 1} of {len(asked)} peers   ◐ 3 s" in text
    checked = replace(LINUX, is_checked=False)
    assert "◐ checking who has it" in shown(scene(80, 24, "2", news=replace(NEWS, search=checked)))


def test_the_lit_choice_of_a_dialog_stays_in_sight_on_a_low_terminal():
    model = scene(60, 12, "o")
    for _ in range(14):
        model, _ = pressed(model, "j")
        assert sum("│  >" in line for line in text_of(view(model))) == 1
    assert "│  >e   ✓ ORDER" in shown(model)


def test_what_the_node_does_not_know_is_said_in_words():
    lines = {line[1:15].strip(): line[16:] for line in text_of(view(scene(100, 40, "5")))}
    assert lines["Routing table"] == "37 peers in 4 of 256 buckets   client mode: no"
    assert lines["Buckets"] == "▁·▂▄█   (near ◂ ▸ far)   last refresh 2 min ago"
    assert lines["Queries"] == "2 running   p50 210 ms   p95 1.9 s   failed 3 of 118 (last hour)"
    assert lines["Provides"] == "2 of 3 records fresh, 1 due, 0 late   next reprovide 10h12m"
    young = replace(NEWS.network, refreshed_at=None, hour_queries=1, hour_failures=1, is_client=True, walks=0)
    news = replace(NEWS, network=replace(young, next_provide_at=None))
    lines = {line[1:15].strip(): line[16:] for line in text_of(view(scene(100, 40, "5", news=news)))}
    assert lines["Routing table"].endswith("client mode: yes")
    assert lines["Buckets"].endswith("last refresh not yet")
    assert lines["Queries"] == "2 running   failed 1 of 1 (last hour)"
    assert "next" not in lines["Provides"]


@pytest.mark.parametrize(
    ("keys", "hints"),
    [
        ((), "Enter info  d download  p pause  x cancel  / filter  s sort  : command  ? help"),
        (("enter",), "Esc back  Tab overview/chunks/peers/files  p pause  x cancel  y copy id"),
        (("3",), "Enter use this peer  b ban  a all connections  s sort  Esc back"),
        (("4",), "S stop  L limits  Enter info  p peers  s sort  ? help"),
        (("5",), "c connect  r refresh table  a all connections  y copy peer id  ? help"),
        (("6",), "f follow  l level  / filter  y copy line  w write to file  ? help"),
    ],
)
def test_the_bottom_line_names_what_is_wanted_most_in_each_place(keys, hints):
    assert text_of(view(scene(80, 24, *keys)))[-1].strip().startswith(hints)


def test_the_bottom_line_of_an_empty_list_says_how_to_begin():
    empty = replace(NEWS, items=(), detail=None)
    assert text_of(view(scene(80, 24, news=empty)))[-1] == " : command  n new search  ? help  q leave"


def test_every_hint_is_a_key_of_its_place():
    for place, actions in _HINTS.items():
        where = next(held for held in (*_PLACES.values(), _IN_DETAILS) if place in held)
        for action in actions.split():
            found = [each for each in BINDINGS if each.action == action and each.places & where]
            assert len(found) == 1, (place, action)
            assert found[0].hint, (place, action)


def test_why_the_selected_file_failed_stands_in_the_status_line():
    model = scene(80, 24, *"jjjjj")
    assert text_of(view(model))[-2] == " ✗ #6 linux-kernel.zip: the disk is full"


def test_the_peers_screen_says_the_command_for_the_selected_peer():
    model = scene(80, 24, "3", "j")
    assert text_of(view(model))[-2] == " 'download 1 from 192.168.1.15' fetches from that peer only"
    nobody = scene(80, 24, "3", news=replace(NEWS, peers=()))
    assert "'download 1 from <peer IP>'" in text_of(view(nobody))[-2]


def test_details_show_the_whole_content_id_and_leave_the_map_the_room_it_asked_for():
    for width, height in ((80, 24), (120, 40), (200, 60)):
        model = scene(width, height, "enter")
        text = shown(model)
        assert ITEMS[0].cid in text
        assert wants(model).cells >= 256 or width == 80
        whole = replace(NEWS, detail=replace(NEWS.detail, cells="#" * wants(model).cells))
        lines = text_of(view(scene(width, height, "enter", news=whole)))
        assert lines[-3].startswith(" █ have"), "the map ends where the screen does"
        assert sum("█" * 50 in line for line in lines) * (width - MAP_LABEL - 1) == wants(model).cells


def test_ascii_has_a_letter_of_its_own_for_every_state():
    def ascii_of(model) -> list[str]:
        return ["".join(text for text, _ in line_cells(line, is_ascii=True)).rstrip() for line in view(model).lines]

    rows = ascii_of(scene(80, 24))[2:10]
    assert [row[6] for row in rows] == list("v^+=~!^%")
    assert "####----  45%" in rows[0]
    assert any("[#######---------] 45%" in line for line in ascii_of(scene(80, 24, "enter")))
    bad = replace(NEWS, detail=replace(NEWS.detail, cells="#vx531." * 3))
    assert any("#vx531.#vx531." in line for line in ascii_of(scene(80, 24, "enter", news=bad)))


def test_a_command_is_suggested_by_its_other_name_too():
    assert "get CID|LINK|N" in shown(scene(80, 24, ":", "d", "o"))


def test_ascii_has_something_for_every_glyph_of_our_own():
    assert not set(_OWN_GLYPHS) - set(_ASCII) - {chr(each) for each in range(0x2800, 0x2900)}
