"""What keys do: each action as a function of the model, giving the next one and what is to be done outside. Pure.

Here are those that move, find and change the display; `row_actions` has those that act on files. `ACTIONS` is all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.ui.columns import ask, change
from node.ui.hit_rows import hit_of, own_search
from node.ui.lineedit import line
from node.ui.messages import Leave, Redraw, Request, RetryNow, SetMouse, StartNode, Suspend, WriteLog
from node.ui.model import SCREENS, Choice, Dialog, Model, Prompt, PromptKind, Screen, Sort, filtered
from node.ui.peer_actions import ban_confirmed, unban_confirmed
from node.ui.row_actions import ROW_ACTIONS, do_confirmed
from node.ui.rows import current, ids, index_of, select, sorted_by, sorts
from node.ui.search_actions import stop
from node.ui.step import Step, refuse_offline, say
from node.ui.view_details import TABS
from node.ui.view_log import shown_lines

PAGE_MARGIN = 6
"""Lines of a screen that are no rows; a page leaves a little of the last one in sight."""

_CHOICE_KEYS = "1234567890abcdef"

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


# --- moving -------------------------------------------------------------------------------------------------------


def _move(by: int) -> Callable[[Model], Step]:
    def move(model: Model) -> Step:
        if model.screen is Screen.LOG and model.details is None:
            return _scroll_log(model, -by), ()
        rows = ids(model)
        moved = select(model, rows, index_of(model, rows) + by)
        if model.details is not None and (item := current(replace(moved, details=None))) is not None:
            moved = replace(moved, details=item.cid)
        return moved, ()

    return move


def _move_pages(pages: float) -> Callable[[Model], Step]:
    return lambda model: _move(int(pages * max(model.height - PAGE_MARGIN, 1)))(model)


def _scroll_log(model: Model, by: int) -> Model:
    offset = min(max(model.log_view.offset + by, 0), max(len(model.shown.log) - 1, 0))
    return replace(model, log_view=replace(model.log_view, offset=offset, is_following=offset == 0))


def show_screen(model: Model, screen: Screen) -> Model:
    """The model on another tab; Peers is about the file that was selected."""
    if screen is Screen.PEERS:
        item = current(model)
        model = replace(model, peers_of=item.cid if item else model.peers_of)
    return replace(model, screen=screen, details=None, answer=None, tab=0)


def _turn(by: int) -> Callable[[Model], Step]:
    def turn(model: Model) -> Step:
        return show_screen(model, SCREENS[(SCREENS.index(model.screen) + by) % len(SCREENS)]), ()

    return turn


def _open(model: Model) -> Step:
    if model.screen is Screen.SEARCH and model.details is None:
        return ROW_ACTIONS["take"](model)
    item = current(model)
    return (replace(model, details=item.cid, tab=0) if item else model), ()


def _back(model: Model) -> Step:
    if model.details is not None:
        return replace(model, details=None, tab=0), ()
    if model.filter:
        return filtered(model, ""), ()
    if (running := own_search(model)) is not None:
        return stop(model, running)
    is_of_hit = model.screen is Screen.PEERS and current(model) is None and hit_of(model, model.peers_of) is not None
    before = Screen.SEARCH if is_of_hit else Screen.TRANSFERS
    return (replace(model, screen=before) if model.screen is not Screen.TRANSFERS else model), ()


# --- finding ------------------------------------------------------------------------------------------------------


def _filter(model: Model) -> Step:
    return replace(model, prompt=Prompt(PromptKind.FILTER, line(model.filter))), ()


def _search(model: Model) -> Step:
    return replace(show_screen(model, Screen.SEARCH), prompt=Prompt(PromptKind.COMMAND, line("search "))), ()


def _sort(model: Model) -> Step:
    names, sort = sorts(model)
    choices = tuple(
        Choice(key, name + _arrow(sort, name), f"sort:{name}") for key, name in zip(_CHOICE_KEYS, names, strict=False)
    )
    return replace(model, dialog=Dialog("Sort by", (), choices)), ()


def _arrow(sort: Sort, name: str) -> str:
    return ("  ▴" if sort.is_reversed else "  ▾") if sort.key == name else ""


def _level(model: Model) -> Step:
    level = LEVELS[(LEVELS.index(model.log_view.level) + 1) % len(LEVELS)]
    return replace(model, log_view=replace(model.log_view, level=level, offset=0)), ()


def _follow(model: Model) -> Step:
    is_following = not model.log_view.is_following
    return replace(model, log_view=replace(model.log_view, is_following=is_following, offset=0)), ()


def _log_file(model: Model) -> Step:
    """Write what is shown of the log into a file, to be sent to somebody; the node's own has all of it."""
    lines = shown_lines(model)
    return (model, (WriteLog(lines),)) if lines else (say(model, "there is nothing to write"), ())


def _refresh(model: Model) -> Step:
    if not model.is_online:
        return refuse_offline(model), ()
    return say(model, "looking for peers …"), (Request("refresh", (), "the routing table is refreshed"),)


# --- the rest -----------------------------------------------------------------------------------------------------


def _freeze(model: Model) -> Step:
    frozen = None if model.frozen else model.data
    return say(replace(model, frozen=frozen), "display frozen; F goes on" if frozen else "display goes on"), ()


def _mouse(model: Model) -> Step:
    is_on = not model.is_mouse_on
    words = "mouse on; Shift-drag selects text" if is_on else "mouse off: the terminal selects text"
    return say(replace(model, is_mouse_on=is_on), words), (SetMouse(is_on),)


def _stop_node(model: Model) -> Step:
    if not model.is_online:
        return refuse_offline(model), ()
    choices = (
        Choice("y", "stop the node and leave", "stop-node!"),
        Choice("n", "go on", ""),
    )
    lines = ("transfers stop until the next start;", "nothing that was fetched is lost")
    return replace(model, dialog=Dialog("Stop the node?", lines, choices, default="n")), ()


ACTIONS: Mapping[str, Callable[[Model], Step]] = {
    **ROW_ACTIONS,
    "line-down": _move(1),
    "line-up": _move(-1),
    "first": _move(-(1 << 30)),
    "last": _move(1 << 30),
    "half-down": _move_pages(0.5),
    "half-up": _move_pages(-0.5),
    "page-down": _move_pages(1),
    "page-up": _move_pages(-1),
    "open": _open,
    "back": _back,
    "next-tab": lambda model: (replace(model, tab=(model.tab + 1) % len(TABS)), ()),
    "next-screen": _turn(1),
    "last-screen": _turn(-1),
    "filter": _filter,
    "search": _search,
    "sort": _sort,
    "columns": ask,
    "everybody": lambda model: (replace(show_screen(model, Screen.PEERS), peers_of=None), ()),
    "its-peers": lambda model: (show_screen(model, Screen.PEERS), ()),
    "refresh": _refresh,
    "log-file": _log_file,
    "follow": _follow,
    "level": _level,
    "command": lambda model: (replace(model, prompt=Prompt(PromptKind.COMMAND)), ()),
    "connect": lambda model: (replace(model, prompt=Prompt(PromptKind.COMMAND, line("connect "))), ()),
    "freeze": _freeze,
    "mouse": _mouse,
    "redraw": lambda model: (model, (Redraw(),)),
    "suspend": lambda model: (model, (Suspend(),)),
    "help": lambda model: (replace(model, is_help_open=True), ()),
    "leave": lambda model: (model, (Leave(),)),
    "retry": lambda model: (model, (RetryNow(),)),
    "start-node": lambda model: (model, (StartNode(),)),
    "stop-node": _stop_node,
    "stop-node!": lambda model: (model, (Leave(stop_node=True),)),
}


def act(model: Model, action: str) -> Step:
    """Do an action of the key table or of a dialog's choice."""
    name, _, argument = action.partition(":")
    match name:
        case "screen":
            return show_screen(model, Screen(argument)), ()
        case "sort" if argument:
            return sorted_by(model, argument), ()
        case "column" if argument:
            return change(model, argument)
        case "do":
            return do_confirmed(model, argument)
        case "ban" if argument:
            return ban_confirmed(model, argument)
        case "unban":
            return unban_confirmed(model, argument)
        case "type":
            return replace(model, prompt=Prompt(PromptKind.COMMAND, line(argument))), ()
        case _:
            return ACTIONS[action](model)
