"""What keys do to files: pause, go on, cancel, stop, verify. Pure.

Rules: an action takes the rows that are meant from the model of the moment the key was pressed, and its effects carry
their CIDs; while the node doesn't answer nothing is asked of it, and nothing kept for later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from node.status import ItemStatus, TransferState
from node.ui.messages import Copy, Request, RunLine
from node.ui.model import UNDER_WAY, Choice, Dialog, Model, Screen, item_of
from node.ui.peer_actions import PEER_ACTIONS, selected_peer
from node.ui.rows import current, ids, index_of, items, select
from node.ui.search_actions import SEARCH_ACTIONS, selected_hit
from node.ui.step import Step, refuse_offline, say
from node.ui.units import limits_words, size_fixed
from node.ui.view_log import newest_line

_UNFINISHED = UNDER_WAY | {TransferState.PAUSED, TransferState.ERROR}


def targets(model: Model) -> list[ItemStatus]:
    """The files an action is about: the marked rows, else the one that is open or selected."""
    if model.details is None and model.marks:
        marked = [item for item in items(model) if item.cid in model.marks]
        if marked:
            return marked
    item = current(model)
    return [item] if item else []


def named(rows: Sequence[ItemStatus]) -> str:
    """The files in a sentence: `#1 ubuntu.iso`, or how many."""
    return f"#{rows[0].number} {rows[0].name}" if len(rows) == 1 else f"{len(rows)} files"


def ask(model: Model, method: str, rows: list[ItemStatus], sentence: str, *more: tuple[str, object]) -> Step:
    """Have the node do something with each row; `more` are parameters besides the row."""
    if not model.is_online:
        return refuse_offline(model), ()
    effects = (Request(method, (("target", row.cid), *more), f"{sentence} #{row.number} {row.name}") for row in rows)
    return replace(model, marks=frozenset()), tuple(effects)


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
    rows = [row for row in targets(model) if row.state in _UNFINISHED]
    if not rows:
        return say(model, "no download is selected"), ()
    fetched = sum(row.bytes_have for row in rows)
    placed = ", files in their place among it" if any(row.skipped_files for row in rows) else ""
    lines = (named(rows), f"{size_fixed(fetched)} already fetched{placed}")
    choices = (
        Choice("k", "keep what was fetched", "do:cancel", "keep"),
        Choice("D", "delete what was fetched", "do:delete", "delete"),
        Choice("esc", "do not cancel", "", "back"),
    )
    dialog = Dialog("Cancel download?", lines, choices, tuple(row.cid for row in rows), default="k")
    return replace(model, dialog=dialog), ()


def _stop(model: Model) -> Step:
    rows = [row for row in targets(model) if row.state is TransferState.SEEDING]
    if not rows:
        return say(model, "no share is selected"), ()
    choices = (Choice("y", "stop seeding", "do:stop"), Choice("n", "go on", ""))
    lines = (named(rows), "the files stay on disk")
    dialog = Dialog("Stop seeding?", lines, choices, tuple(row.cid for row in rows), default="n")
    return replace(model, dialog=dialog), ()


def _limits(model: Model) -> Step:
    """Ask whose limit is meant and of what; then it is typed, as the command that it is."""
    item, node = current(model), model.shown.node
    choices: list[Choice] = []
    lines: list[str] = []
    if item is not None:
        lines.append(f"#{item.number} {item.name}: {limits_words(item.down_limit_bps, item.up_limit_bps)}")
        choices += [
            Choice("d", f"download of #{item.number}", f"type:limit {item.number} --down "),
            Choice("u", f"upload of #{item.number}", f"type:limit {item.number} --up "),
        ]
    if node is not None:
        lines.append(f"the whole node: {limits_words(node.down_limit_bps, node.up_limit_bps)}")
    choices += [
        Choice("D", "download of the whole node", "type:limit --down "),
        Choice("U", "upload of the whole node", "type:limit --up "),
        Choice("esc", "leave them as they are", ""),
    ]
    return replace(model, dialog=Dialog("Limits", tuple(lines), tuple(choices))), ()


def _verify(model: Model) -> Step:
    rows = targets(model)
    if not rows:
        return say(model, "no file is selected"), ()
    if not model.is_online:
        return refuse_offline(model), ()
    # The command and not the bare method: it says what was found, not only that it is done.
    return say(model, f"verifying {named(rows)}"), tuple(RunLine(f"verify {row.cid}", row.cid) for row in rows)


def _mark(model: Model) -> Step:
    item = current(model)
    if item is None:
        return model, ()
    rows = ids(model)
    return select(replace(model, marks=model.marks ^ {item.cid}), rows, index_of(model, rows) + 1), ()


def _copy(model: Model) -> Step:
    if model.screen is Screen.SEARCH and model.details is None:
        hit = selected_hit(model)
        text = hit.cid if hit else ""
    elif model.screen is Screen.PEERS and model.details is None:
        peer = selected_peer(model)
        text = peer.peer_id if peer else ""
    elif model.screen is Screen.LOG and model.details is None:
        text = newest_line(model)
    elif model.screen is Screen.NETWORK:
        text = model.shown.node.peer_id if model.shown.node else ""
    else:
        item = current(model)
        text = item.cid if item else ""
    return (say(model, f"copied {text}"), (Copy(text),)) if text else (model, ())


_CONFIRMED: Mapping[str, tuple[str, str, tuple[tuple[str, object], ...]]] = {
    "cancel": ("cancel", "Cancelled", (("delete", False),)),
    "delete": ("cancel", "Cancelled and deleted", (("delete", True),)),
    "stop": ("stop", "Stopped seeding", ()),
}


def do_confirmed(model: Model, what: str) -> Step:
    """Do what a dialog has asked about, to the rows that it named and that are still there."""
    asked_about = model.dialog.ids if model.dialog else ()
    rows = [item for cid in asked_about if (item := item_of(model, cid)) is not None]
    method, sentence, more = _CONFIRMED[what]
    return ask(replace(model, dialog=None), method, rows, sentence, *more)


ROW_ACTIONS: Mapping[str, Callable[[Model], Step]] = {
    "pause": _pause,
    "download": _download,
    "cancel": _cancel,
    "stop": _stop,
    "limits": _limits,
    **PEER_ACTIONS,
    **SEARCH_ACTIONS,
    "verify": _verify,
    "mark": _mark,
    "unmark": lambda model: (replace(model, marks=frozenset()), ()),
    "copy": _copy,
}
