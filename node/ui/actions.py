"""What keys do: each action as a function of the model, giving the next one and what is to be done outside. Pure.

Rules: an action takes the rows that are meant from the model of the moment the key was pressed, and its effects carry
their CIDs; while the node doesn't answer nothing is asked of it, and nothing kept for later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.status import ItemStatus, TransferState
from node.ui.messages import Copy, Effect, Leave, Redraw, Request, SetMouse, Suspend
from node.ui.model import (
    SCREENS,
    TOAST_S,
    UNDER_WAY,
    Choice,
    Dialog,
    Model,
    Prompt,
    PromptKind,
    Screen,
    Toast,
    item_of,
)
from node.ui.rows import SORTS, current, ids, index_of, items, select, sorted_by
from node.ui.units import size

Step = tuple[Model, tuple[Effect, ...]]

PAGE_MARGIN = 6
"""Lines of a screen that are no rows; a page leaves a little of the last one in sight."""

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
NO_SEARCH = "searching the network is not in this version yet; download by CID or link: download <cid|link>"


def say(model: Model, text: str, *, is_error: bool = False) -> Model:
    """The model with a sentence in its status line."""
    return replace(model, toast=Toast(text, is_error, float("inf") if is_error else model.now + TOAST_S))


def refuse_offline(model: Model) -> Model:
    """Say that nothing can be asked for now."""
    return say(model, "not connected: commands are refused, nothing is queued", is_error=True)


def targets(model: Model) -> list[ItemStatus]:
    """The files an action is about: the marked rows, else the one that is open or selected."""
    if model.details is None and model.marks:
        marked = [item for item in items(model) if item.cid in model.marks]
        if marked:
            return marked
    item = current(model)
    return [item] if item else []


def named(rows: list[ItemStatus]) -> str:
    """The files in a sentence: `#1 ubuntu.iso`, or how many."""
    return f"#{rows[0].number} {rows[0].name}" if len(rows) == 1 else f"{len(rows)} files"


def ask(model: Model, method: str, rows: list[ItemStatus], sentence: str) -> Step:
    """Have the node do something with each row."""
    if not model.is_online:
        return refuse_offline(model), ()
    effects = (Request(method, (("target", row.cid),), f"{sentence} #{row.number} {row.name}") for row in rows)
    return replace(model, marks=frozenset()), tuple(effects)


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
    item = current(model)
    return (replace(model, details=item.cid, tab=0) if item else model), ()


def _back(model: Model) -> Step:
    if model.details is not None:
        return replace(model, details=None, tab=0), ()
    if model.filter:
        return replace(model, filter=""), ()
    return (replace(model, screen=Screen.TRANSFERS) if model.screen is not Screen.TRANSFERS else model), ()


# --- finding ------------------------------------------------------------------------------------------------------


def _filter(model: Model) -> Step:
    prompt = Prompt(PromptKind.FILTER)
    return replace(model, prompt=replace(prompt, edit=prompt.edit.insert(model.filter))), ()


def _sort(model: Model) -> Step:
    keys = "1234567890abcdef"
    choices = tuple(
        Choice(key, name + _arrow(model, name), f"sort:{name}") for key, name in zip(keys, SORTS, strict=False)
    )
    return replace(model, dialog=Dialog("Sort by", (), choices)), ()


def _arrow(model: Model, name: str) -> str:
    return ("  ▴" if model.sort.is_reversed else "  ▾") if model.sort.key == name else ""


def _level(model: Model) -> Step:
    level = LEVELS[(LEVELS.index(model.log_view.level) + 1) % len(LEVELS)]
    return replace(model, log_view=replace(model.log_view, level=level, offset=0)), ()


def _follow(model: Model) -> Step:
    is_following = not model.log_view.is_following
    return replace(model, log_view=replace(model.log_view, is_following=is_following, offset=0)), ()


# --- acting on rows -----------------------------------------------------------------------------------------------


def _pause(model: Model) -> Step:
    rows = targets(model)
    running = [row for row in rows if row.state in UNDER_WAY]
    if running:
        return ask(model, "pause", running, "Paused")
    waiting = [row for row in rows if row.state is not TransferState.SEEDING]
    if waiting:
        return ask(model, "resume", waiting, "Resumed")
    return say(model, "a share isn't paused; S stops seeding it" if rows else "no file is selected"), ()


def _download(model: Model) -> Step:
    waiting = [row for row in targets(model) if row.state in (TransferState.PAUSED, TransferState.ERROR)]
    if waiting:
        return ask(model, "resume", waiting, "Downloading")
    return say(model, "nothing here is to be downloaded; type :download <cid|link>"), ()


def _cancel(model: Model) -> Step:
    rows = [row for row in targets(model) if row.state in UNDER_WAY]
    if not rows:
        return say(model, "no download is selected"), ()
    fetched = sum(row.bytes_have for row in rows)
    lines = (named(rows), f"{size(fetched)} already fetched")
    choices = (Choice("k", "cancel, keep the partial data", "do:cancel"), Choice("esc", "do not cancel", ""))
    return replace(model, dialog=Dialog("Cancel download?", lines, choices, tuple(row.cid for row in rows))), ()


def _stop(model: Model) -> Step:
    rows = [row for row in targets(model) if row.state is TransferState.SEEDING]
    if not rows:
        return say(model, "no share is selected"), ()
    choices = (Choice("y", "stop seeding", "do:stop"), Choice("n", "go on", ""), Choice("esc", "go on", ""))
    lines = (named(rows), "the files stay on disk")
    return replace(model, dialog=Dialog("Stop seeding?", lines, choices, tuple(row.cid for row in rows))), ()


def _verify(model: Model) -> Step:
    rows = targets(model)
    if not rows:
        return say(model, "no file is selected"), ()
    asked, effects = ask(model, "verify", rows, "Verified")
    return (say(asked, f"verifying {named(rows)}") if effects else asked), effects


def _mark(model: Model) -> Step:
    item = current(model)
    if item is None:
        return model, ()
    return _move(1)(replace(model, marks=model.marks ^ {item.cid}))


def _copy(model: Model) -> Step:
    if model.screen is Screen.PEERS and model.details is None:
        rows = ids(model)
        index = index_of(model, rows)
        text = rows[index] if index >= 0 else ""
    elif model.screen is Screen.NETWORK:
        text = model.shown.node.peer_id if model.shown.node else ""
    else:
        item = current(model)
        text = item.cid if item else ""
    return (say(model, f"copied {text}"), (Copy(text),)) if text else (model, ())


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
        Choice("esc", "go on", ""),
    )
    lines = ("transfers stop until the next start;", "nothing that was fetched is lost")
    return replace(model, dialog=Dialog("Stop the node?", lines, choices)), ()


ACTIONS: Mapping[str, Callable[[Model], Step]] = {
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
    "next-tab": lambda model: (replace(model, tab=(model.tab + 1) % 3), ()),
    "next-screen": _turn(1),
    "last-screen": _turn(-1),
    "filter": _filter,
    "search": lambda model: (say(show_screen(model, Screen.SEARCH), NO_SEARCH), ()),
    "sort": _sort,
    "everybody": lambda model: (replace(model, peers_of=None), ()),
    "follow": _follow,
    "level": _level,
    "pause": _pause,
    "download": _download,
    "cancel": _cancel,
    "stop": _stop,
    "verify": _verify,
    "mark": _mark,
    "unmark": lambda model: (replace(model, marks=frozenset()), ()),
    "copy": _copy,
    "command": lambda model: (replace(model, prompt=Prompt(PromptKind.COMMAND)), ()),
    "freeze": _freeze,
    "mouse": _mouse,
    "redraw": lambda model: (model, (Redraw(),)),
    "suspend": lambda model: (model, (Suspend(),)),
    "help": lambda model: (replace(model, is_help_open=True), ()),
    "leave": lambda model: (model, (Leave(),)),
    "stop-node": _stop_node,
    "stop-node!": lambda model: (model, (Leave(stop_node=True),)),
}

_CONFIRMED = {"cancel": ("stop", "Cancelled"), "stop": ("stop", "Stopped seeding")}


def act(model: Model, action: str) -> Step:
    """Do an action of the key table or of a dialog's choice."""
    name, _, argument = action.partition(":")
    match name:
        case "screen":
            return show_screen(model, Screen(argument)), ()
        case "sort" if argument:
            return sorted_by(model, argument), ()
        case "do":
            dialog_ids = model.dialog.ids if model.dialog else ()
            rows = [item for cid in dialog_ids if (item := item_of(model, cid)) is not None]
            method, sentence = _CONFIRMED[argument]
            return ask(replace(model, dialog=None), method, rows, sentence)
        case _:
            return ACTIONS[action](model)
