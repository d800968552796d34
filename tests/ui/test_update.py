"""What keys, pastes, clicks and news do to the dashboard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.status import TransferState
from node.ui import messages as msg
from node.ui.keymap import BINDINGS, action_of, is_shared
from node.ui.model import Reach, Screen
from node.ui.rows import current, ids
from node.ui.view import view
from tests.ui.scenes import ITEMS, NEWS, NOW, WALL, pressed, scene, text_of, told, typed

GONE = msg.Offline("the node went away", NOW + 3, 1)
DESTRUCTIVE = ("cancel", "stop", "stop-node")


def selected(model):
    item = current(model)
    return item and item.number


class TestKeyTable:
    def test_no_place_has_two_meanings_for_a_key(self):
        for one in BINDINGS:
            for other in BINDINGS:
                if one is not other and is_shared(one, other):
                    assert not set(one.keys) & set(other.keys), (one, other)

    def test_what_destroys_something_asks_first(self):
        for binding in BINDINGS:
            model, effects = pressed(scene(80, 24, *(["j"] if binding.action == "stop" else [])), binding.keys[0])
            if binding.action in DESTRUCTIVE:
                assert model.dialog is not None, binding
            assert not any(isinstance(effect, msg.Request) and effect.method == "stop" for effect in effects)

    def test_delete_and_backspace_never_act(self):
        for place in {place for binding in BINDINGS for place in binding.places}:
            assert action_of("delete", frozenset({place})) == action_of("backspace", frozenset({place})) == ""


class TestMoving:
    def test_lines_pages_and_ends(self):
        assert selected(scene()) == 1
        assert selected(scene(80, 24, "j", "down", "k")) == 2
        assert selected(scene(80, 24, "G")) == 8
        assert selected(scene(80, 24, "G", "j")) == 8
        assert selected(scene(80, 24, "G", "g")) == 1

    def test_screens_by_number_and_tab(self):
        assert scene(80, 24, "4").screen is Screen.UPLOADS
        assert scene(80, 24, "tab").screen is Screen.SEARCH
        assert scene(80, 24, "shift-tab").screen is Screen.LOG

    def test_escape_goes_back_and_never_leaves(self):
        model, effects = pressed(scene(80, 24, "enter", "tab"), "esc", "esc", "esc")
        assert model.details is None
        assert effects == []

    def test_what_is_selected_is_a_file_and_not_a_place(self):
        model = scene(80, 24, "j", "s", "2")  # by name
        assert selected(model) == 2
        assert [item.number for item in ITEMS] != [int(cid[7:11]) for cid in ids(model)]

    def test_when_the_selected_row_goes_the_next_one_is_selected(self):
        model = scene(80, 24, "j", "j")
        left = tuple(item for item in ITEMS if item.number != 3)
        assert selected(told(model, replace(NEWS, items=left))) == 4

    def test_rows_keep_their_order_under_an_open_dialog(self):
        model = scene(80, 24, "s", "5", "x")  # by speed, and asked about the first
        before = ids(model)
        fast = tuple(replace(item, down_bps=item.number * 1e6) for item in ITEMS)
        model = told(model, msg.Tick(NOW + 60, WALL), replace(NEWS, items=fast, now=NOW + 60))
        assert ids(model) == before
        assert ids(told(pressed(model, "esc")[0], replace(NEWS, items=fast, now=NOW + 61))) != before


class TestActing:
    def test_pause_and_resume(self):
        _, effects = pressed(scene(), "p")
        assert effects == [msg.Request("pause", (("target", ITEMS[0].cid),), "Paused #1 ubuntu.iso")]
        _, effects = pressed(scene(80, 24, "j", "j", "j"), "p")
        assert effects[0].method == "resume"

    def test_verify_runs_the_command_that_tells_what_it_found(self):
        _, effects = pressed(scene(), "v")
        assert effects == [msg.RunLine(f"verify {ITEMS[0].cid}", ITEMS[0].cid)]

    def test_a_share_is_not_paused(self):
        model, effects = pressed(scene(80, 24, "j"), "p")
        assert effects == []
        assert "S stops" in model.toast.text

    def test_cancel_is_done_for_the_file_that_was_asked_about(self):
        model, effects = pressed(scene(), "x")
        assert effects == []
        others = tuple(replace(item, number=item.number + 10) for item in ITEMS[1:])
        model = told(model, replace(NEWS, items=(*others, replace(ITEMS[0], number=99))))
        model, effects = pressed(model, "k")
        assert [dict(effect.params)["target"] for effect in effects] == [ITEMS[0].cid]
        assert model.dialog is None

    @pytest.mark.parametrize("key", ["esc", "n", "q"])
    def test_a_question_can_be_declined(self, key):
        model, effects = pressed(scene(80, 24, "j"), "S", key)
        assert effects == []
        assert model.dialog is None

    def test_marks_are_acted_on_together(self):
        _, effects = pressed(scene(), "space", "j", "j", "j", "space", "p")
        assert [dict(effect.params)["target"] for effect in effects] == [ITEMS[0].cid, ITEMS[4].cid]

    def test_nothing_is_asked_of_a_node_that_is_gone_and_nothing_kept(self):
        model = told(scene(), GONE)
        for keys in (("p",), ("v",), (":", *typed("share /tmp"), "enter")):
            refused, effects = pressed(model, *keys)
            assert effects == []
            assert refused.toast.is_error
        assert pressed(told(model, msg.Online()), "j")[1] == []

    def test_a_node_that_is_gone_can_be_retried_and_started(self):
        model = told(scene(), GONE)
        assert pressed(model, "r")[1] == [msg.RetryNow()]
        assert pressed(model, "S")[1] == [msg.StartNode()]

    def test_leaving(self):
        assert pressed(scene(), "q")[1] == [msg.Leave()]
        assert pressed(scene(), "Q", "y")[1] == [msg.Leave(stop_node=True)]
        assert pressed(scene(), "ctrl-c")[1] == []
        assert pressed(scene(), "ctrl-c", "ctrl-c")[1] == [msg.Leave()]

    def test_the_first_interrupt_only_closes_what_is_open(self):
        model, effects = pressed(scene(80, 24, ":", "d"), "ctrl-c")
        assert model.prompt is None
        assert effects == []


class TestPrompt:
    def test_a_command_goes_out_with_the_file_that_is_open(self):
        _, effects = pressed(scene(80, 24, "j", "enter"), ":", *typed("pause"), "enter")
        assert effects == [msg.RunLine("pause", ITEMS[1].cid)]

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("list", Screen.TRANSFERS),
            ("uploads", Screen.UPLOADS),
            ("UP", Screen.UPLOADS),
            (":peers 1", Screen.PEERS),
            ("search", Screen.SEARCH),
            ("log", Screen.LOG),
            ("net", Screen.NETWORK),
        ],
    )
    def test_words_that_show_a_screen(self, line, expected):
        model, effects = pressed(scene(80, 24, "6"), ":", *typed(line), "enter")
        assert model.screen is expected
        assert effects == []

    def test_info_opens_the_numbered_file(self):
        assert pressed(scene(), ":", *typed("info #7"), "enter")[0].details == ITEMS[6].cid

    def test_mistakes_are_said(self):
        for line, said in (
            ("downlod 1", "did you mean"),
            ("s", "could be"),
            ("info 99", "no file 99"),
            ("theme x", "usage"),
        ):
            assert said in pressed(scene(), ":", *typed(line), "enter")[0].toast.text

    def test_tab_completes_and_the_history_comes_back(self):
        assert scene(80, 24, ":", *typed("shu"), "tab").prompt.edit.text == "shutdown "
        model = scene(80, 24, ":", *typed("net"), "enter", ":", *typed("lo"), "up")
        assert model.prompt.edit.text == "net"
        assert pressed(model, "down")[0].prompt.edit.text == "lo"

    def test_a_filter_holds_while_it_is_typed_and_escape_ends_it(self):
        model = scene(80, 24, "/", *typed("zip"))
        assert len(ids(model)) == 2
        assert len(ids(pressed(model, "enter")[0])) == 2
        assert len(ids(pressed(model, "esc")[0])) == 8

    def test_a_paste_is_text_for_the_prompt_and_never_gives_the_command(self):
        model, effects = pressed(told(scene(80, 24, ":"), msg.Paste("get bafy\r\nquit\r")), "x")
        assert model.prompt.edit.text == "get bafy  quit x"
        assert effects == []

    def test_a_paste_elsewhere_does_nothing(self):
        for model in (scene(), scene(80, 24, "x")):
            after = told(model, msg.Paste("k\r"))
            assert after.dialog == model.dialog
            assert "command line" in after.toast.text


class TestNews:
    def test_moving_rows_replace_their_own(self):
        model = told(scene(), msg.News(NOW + 1, moving=(replace(ITEMS[0], bytes_have=2_500_000_000, chunks_have=256),)))
        assert "100%" in "\n".join(text_of(view(model))[2:3])
        assert len(model.data.items) == 8

    def test_silence_makes_the_data_stale_and_says_how_old_it_is(self):
        assert "stale 5s" in text_of(view(told(scene(), msg.Tick(NOW + 5, WALL))))[0]
        seldom = replace(scene(), period_s=10.0)
        assert "stale" not in text_of(view(told(seldom, msg.Tick(NOW + 9, WALL))))[0], "it was looked at as agreed"

    def test_a_download_that_is_done_is_said(self):
        done = (replace(ITEMS[0], state=TransferState.SEEDING), *ITEMS[1:])
        assert "#1 ubuntu.iso: complete" in text_of(view(told(scene(), replace(NEWS, items=done))))[-2]

    def test_offline_and_back(self):
        model = told(scene(), GONE)
        assert "OFFLINE" in text_of(view(model))[0]
        assert "ubuntu.iso" in text_of(view(model))[2]
        model = told(model, msg.Online(), NEWS)
        assert model.contact.reach is Reach.ONLINE
        assert "answers again" in text_of(view(model))[-2]

    def test_a_frozen_display_stays_and_goes_on(self):
        model = scene(80, 24, "F")
        news = replace(NEWS, items=(replace(ITEMS[0], name="new.iso"),))
        assert "new.iso" not in "\n".join(text_of(view(told(model, news))))
        assert "new.iso" in "\n".join(text_of(view(pressed(told(model, news), "F")[0])))

    def test_an_answer_of_many_lines_is_a_page_and_of_one_a_sentence(self):
        assert "hello" in text_of(view(told(scene(), msg.Printed("x", ("hello",)))))[-2]
        page = told(scene(), msg.Printed("x", tuple(f"line {n}" for n in range(50))))
        assert "line 0" in text_of(view(page))[2]
        assert "line 1" in text_of(view(pressed(page, "j")[0]))[2]
        assert pressed(page, "esc")[0].answer is None

    def test_a_download_that_was_begun_is_opened_once_its_row_is_there(self):
        link = f"shoal:{ITEMS[7].cid}?name=x"
        model = told(scene(80, 24, "4"), replace(NEWS, items=ITEMS[:7]), msg.Printed("get", ("page",), begun=link))
        assert model.details is None
        assert told(model, NEWS).details == ITEMS[7].cid


KEYS = st.sampled_from(sorted({key for binding in BINDINGS for key in binding.keys} | set("y17abcD:/") | {"backspace"}))
MESSAGES = st.one_of(
    KEYS.map(msg.Key),
    st.text(max_size=5).map(msg.Paste),
    st.builds(msg.Mouse, st.sampled_from(["click", "wheel-up", "wheel-down"]), st.integers(0, 90), st.integers(0, 30)),
    st.builds(msg.Resize, st.integers(1, 130), st.integers(1, 45)),
    st.sampled_from(
        [GONE, msg.Online(), NEWS, replace(NEWS, items=()), msg.Said("x", True), msg.Printed("l", ("a", "b")),
         msg.Tick(NOW + 9, WALL), msg.WideGlyphs(), msg.Focus(False)]
    ),
)  # fmt: skip


@given(st.lists(MESSAGES, max_size=25))
def test_any_story_leaves_a_model_that_can_be_shown(story):
    shown = view(told(scene(), *story))
    assert len(shown.lines) == shown.height


def test_every_state_has_a_glyph_and_a_word():
    for state in TransferState:
        news = replace(NEWS, items=(replace(ITEMS[0], state=state),))
        assert "ubuntu.iso" in text_of(view(scene(120, 24, news=news)))[2]
