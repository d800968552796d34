"""What the mouse and the window's focus do to the dashboard."""

from __future__ import annotations

from dataclasses import replace

from node.ui import messages as msg
from node.ui.model import Screen
from node.ui.rows import current, ids
from node.ui.update import update
from node.ui.view import view
from tests.ui.scenes import ITEMS, NEWS, NOW, pressed, scene, text_of, told

GONE = msg.Offline("the node went away", NOW + 3, 1)


def selected(model):
    item = current(model)
    return item and item.number


class TestFocus:
    def test_who_comes_back_has_the_node_looked_at_at_once(self):
        away, effects = update(scene(), msg.Focus(False))
        assert (away.has_focus, effects) == (False, ())
        assert update(away, msg.Focus(True)) == (scene(), (msg.RetryNow(),))

    def test_who_types_is_there(self):
        assert pressed(told(scene(), msg.Focus(False)), "j")[0].has_focus


class TestMouse:
    def test_a_click_selects_and_a_double_click_opens(self):
        model = told(scene(), msg.Mouse("click", 20, 4, 7.0))
        assert selected(model) == 3
        assert told(model, msg.Mouse("click", 20, 4, 7.3)).details == ITEMS[2].cid
        assert told(model, msg.Mouse("click", 20, 5, 7.3)).details is None, "another row"
        slow = told(model, msg.Mouse("click", 20, 4, 9.0))
        assert (slow.details, selected(slow)) == (None, 3)
        assert told(slow, msg.Mouse("click", 20, 4, 9.2)).details == ITEMS[2].cid
        assert told(scene(), msg.Mouse("click", 20, 2, 1.0)).details is None, "the selected row, once"

    def test_a_double_click_opens_the_row_it_began_on_though_the_list_has_moved(self):
        many = tuple(replace(ITEMS[1], cid=f"cid{number:04}", number=number) for number in range(1, 100))
        model = scene(news=replace(NEWS, items=many, detail=None))
        model = told(model, msg.Mouse("click", 20, 15, 1.0))
        clicked = current(model)
        assert told(model, msg.Mouse("click", 20, 15, 1.2)).details == clicked.cid

    def test_tabs_and_hints(self):
        top = text_of(view(scene()))[0]
        assert told(scene(), msg.Mouse("click", top.index("5 Net"), 0)).screen is Screen.NETWORK
        bottom = text_of(view(scene()))[-1]
        assert told(scene(), msg.Mouse("click", bottom.index("help"), 23)).is_help_open

    def test_the_hints_of_a_node_that_is_gone_can_be_clicked(self):
        model = told(scene(), GONE)
        bottom = text_of(view(model))[-1]
        for words, effect in (("retry", msg.RetryNow()), ("start", msg.StartNode()), ("leave", msg.Leave())):
            assert update(model, msg.Mouse("click", bottom.index(words), 23))[1] == (effect,)

    def test_a_heading_sorts_and_sorts_back(self):
        x = text_of(view(scene()))[1].index("NAME")
        once = told(scene(), msg.Mouse("click", x, 1))
        assert ids(once)[0] == ITEMS[4].cid
        assert ids(told(once, msg.Mouse("click", x, 1))) == ids(once)[::-1]

    def test_the_wheel_moves_three_rows(self):
        assert selected(told(scene(), msg.Mouse("wheel-down", 1, 5))) == 4

    def test_a_click_confirms_nothing(self):
        asked = scene(80, 24, "x")
        for y in range(24):
            assert told(asked, msg.Mouse("click", 20, y)).dialog is not None
