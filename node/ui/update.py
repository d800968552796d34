"""One step of the dashboard: (model, message) -> (model, effects). Pure and total.

Rules: whatever is open on top takes the keys: a dialog, then the prompt, then the help or a command's answer. A paste
is text for a prompt and nothing else, and never confirms anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from node.status import ItemStatus, TransferState
from node.ui import messages as msg
from node.ui.actions import act, show_screen
from node.ui.keymap import action_of, bindings, places
from node.ui.lineedit import line
from node.ui.model import (
    HISTORY,
    ROW_HISTORY,
    UNDER_WAY,
    Answer,
    Contact,
    Data,
    Model,
    Prompt,
    PromptKind,
    Reach,
    Screen,
)
from node.ui.pointing import clicked, turned
from node.ui.prompting import prompt_key, typed
from node.ui.row_actions import named
from node.ui.rows import is_order_due, ordered, peers_ordered, settled, with_items, with_moved
from node.ui.step import Step, say

LEAVE_S = 4.0
"""How long a first ctrl-c waits for the second."""

ONE_LINE = 1
"""An answer of one line is said; a longer one gets a page."""


def update(model: Model, message: msg.Msg) -> Step:
    """What the message changes, and what is to be done outside."""
    return _HANDLERS[type(message)](model, message)


def _key(model: Model, message: msg.Key) -> Step:
    key = message.name
    if model.toast is not None and model.toast.is_error:
        model = replace(model, toast=None)
    if not model.has_focus:  # who types is there, whatever the terminal has told or kept to itself
        model = replace(model, has_focus=True)
    if key == "ctrl-c":
        return _interrupt(model)
    if model.dialog is not None:
        return _dialog_key(model, key)
    if model.prompt is not None:
        return prompt_key(model, model.prompt, key)
    if model.is_help_open:
        if key == "/":
            return replace(model, prompt=Prompt(PromptKind.HELP, line(model.help_filter))), ()
        return replace(model, is_help_open=False, help_filter=""), ()
    if model.answer is not None:
        return _answer_key(model, model.answer, key)
    if model.contact.reach is Reach.OFFLINE and key in _OFFLINE_KEYS:
        return act(model, _OFFLINE_KEYS[key])
    action = action_of(key, places(model), bindings(model.keys))
    return act(model, action) if action else (model, ())


_OFFLINE_KEYS: Mapping[str, str] = {"r": "retry", "S": "start-node"}  # whatever they do elsewhere


def _interrupt(model: Model) -> Step:
    if model.dialog is not None or model.prompt is not None or model.answer is not None:
        return replace(model, dialog=None, prompt=None, answer=None), ()
    if model.leaving_at is not None and model.now - model.leaving_at <= LEAVE_S:
        return model, (msg.Leave(),)
    fate = "ends too" if model.is_node_here else "keeps running"
    return say(replace(model, leaving_at=model.now), f"press ctrl-c again to leave; the node {fate}"), ()


def _dialog_key(model: Model, key: str) -> Step:
    assert model.dialog is not None
    answers = (*model.dialog.choices, *model.dialog.more)
    key = model.dialog.default if key == "enter" and model.dialog.default else key
    choice = next((choice for choice in answers if choice.key == key), None)
    if key in ("esc", "q") and (choice is None or not choice.action):
        return replace(model, dialog=None), ()
    if choice is None:
        return model, ()
    done, effects = act(model, choice.action) if choice.action else (model, ())
    follows = done.dialog is not model.dialog  # a question that leads to another
    return (done if follows else replace(done, dialog=None)), effects


def _answer_key(model: Model, answer: Answer, key: str) -> Step:
    step = {"down": 1, "j": 1, "up": -1, "k": -1, "pgdn": model.height // 2, "pgup": -(model.height // 2)}.get(key)
    if step is None:
        return replace(model, answer=None), ()
    offset = min(max(answer.offset + step, 0), max(len(answer.lines) - 1, 0))
    return replace(model, answer=replace(answer, offset=offset)), ()


def _paste(model: Model, message: msg.Paste) -> Step:
    if model.prompt is None or model.dialog is not None:
        return say(model, "pasted text goes into the command line; type : first"), ()
    return typed(model, replace(model.prompt, edit=model.prompt.edit.insert(message.text))), ()


def _mouse(model: Model, message: msg.Mouse) -> Step:
    if model.dialog is not None or model.prompt is not None:
        return model, ()
    if message.action == "click":
        return clicked(model, message.x, message.y, message.at)
    return turned(model, -3 if message.action == "wheel-up" else 3)


def _resize(model: Model, message: msg.Resize) -> Step:
    return replace(model, width=message.width, height=message.height), ()


def _focus(model: Model, message: msg.Focus) -> Step:
    """Without the focus the node is looked at seldom; whoever comes back sees how it is now."""
    return replace(model, has_focus=message.is_here), (msg.RetryNow(),) if message.is_here else ()


def _wide(model: Model, message: msg.WideGlyphs) -> Step:
    return replace(model, is_ascii=True), ()


def _tick(model: Model, message: msg.Tick) -> Step:
    model = replace(model, now=message.now, wall=message.wall)
    if model.toast is not None and model.toast.until <= model.now:
        model = replace(model, toast=None)
    if not model.is_online or model.data.items is None:
        return model, ()
    data = model.data
    items = data.items or ()
    rates = {
        item.cid: (*data.rates.get(item.cid, ()), item.down_bps + item.up_bps)[-ROW_HISTORY:]
        for item in items
        if item.cid in data.rates or item.down_bps or item.up_bps
    }
    down, up = sum(item.down_bps for item in items), sum(item.up_bps for item in items)
    data = replace(
        data,
        rates=MappingProxyType(rates),
        ticks=data.ticks + 1,
        down=(*data.down, down)[-HISTORY:],
        up=(*data.up, up)[-HISTORY:],
    )
    return replace(model, data=data), ()


def _online(model: Model, message: msg.Online) -> Step:
    was_away = model.contact.reach is Reach.OFFLINE and model.data.items is not None
    model = replace(model, contact=Contact(Reach.ONLINE, model.now))
    return (say(model, "the node answers again") if was_away else model), ()


def _offline(model: Model, message: msg.Offline) -> Step:
    since = model.contact.since if model.contact.reach is Reach.OFFLINE else model.now
    contact = Contact(Reach.OFFLINE, since, message.reason, message.retry_at, message.attempt, message.is_starting)
    # A node that starts anew counts its searches anew.
    return replace(model, contact=contact, dialog=None, own_search=None), ()


def _news(model: Model, message: msg.News) -> Step:
    before, peers_of_before = model.data.items, model.data.peers_of
    effects: tuple[msg.Effect, ...] = ()
    if before and (done := _completed(before, (*(message.items or ()), *message.moving))):
        model = say(model, f"{named(done)}: complete and verified")
        effects = (msg.Bell(),) if model.has_bell else ()
    data = replace(model.data, items_at=message.now)
    if message.items is not None:
        data = with_items(data, message.items)
    if (message.moving or message.gone) and data.items is not None:
        data = with_moved(data, message.moving, message.gone)
    data = _others(data, message)
    model = replace(model, data=data, now=max(model.now, message.now))
    model = _opened(model)
    if message.items is not None or len(model.data.items or ()) != len(before or ()) or is_order_due(model):
        model = ordered(model)
    if message.peers is not None:
        model = peers_ordered(model, anew=message.peers_of != peers_of_before)
    return settled(model), effects


def _completed(before: tuple[ItemStatus, ...], after: tuple[ItemStatus, ...]) -> list[ItemStatus]:
    """The downloads that have ended well in between."""
    ended = [item for item in after if item.state is TransferState.SEEDING]
    fetched = {item.cid for item in before if item.state in UNDER_WAY} if ended else frozenset()
    return [item for item in ended if item.cid in fetched]


def _opened(model: Model) -> Model:
    """The model with the details of a download that was just begun, as soon as there is something to show."""
    named_as = model.opening
    if named_as is None:
        return model
    for item in model.data.items or ():
        if item.cid in named_as or item.cid.startswith(named_as) or str(item.number) == named_as.removeprefix("#"):
            opened = show_screen(model, Screen.TRANSFERS)
            return replace(opened, details=item.cid, opening=None, selected={**model.selected, opened.screen: item.cid})
    return model


def _others(data: Data, message: msg.News) -> Data:
    if message.node is not None:
        data = replace(data, node=message.node)
    if message.detail is not None:
        data = replace(data, detail=message.detail)
    if message.peers is not None:
        data = replace(data, peers=message.peers, peers_of=message.peers_of)
    if message.network is not None:
        data = replace(data, network=message.network)
    if message.search is not None:
        data = replace(data, search=message.search)
    return data if message.log is None else replace(data, log=message.log)


def _said(model: Model, message: msg.Said) -> Step:
    return say(model, message.text, is_error=message.is_error), ()


def _begun(model: Model, message: msg.SearchBegun) -> Step:
    data = replace(model.data, search=message.search)
    return replace(model, data=data, own_search=message.search.number), ()


def _printed(model: Model, message: msg.Printed) -> Step:
    if message.begun is not None and not message.is_error:
        return replace(model, opening=message.begun, toast=None), ()
    if len(message.lines) <= ONE_LINE or message.is_error:
        text = " ".join(line.removeprefix("shoal: ") for line in message.lines)
        return say(model, text or f"{message.line}: done", is_error=message.is_error), ()
    return replace(model, toast=None, answer=Answer(message.line, message.lines)), ()


_HANDLERS: Mapping[type, Callable[[Model, Any], Step]] = {
    msg.Key: _key,
    msg.Paste: _paste,
    msg.Mouse: _mouse,
    msg.Resize: _resize,
    msg.Focus: _focus,
    msg.WideGlyphs: _wide,
    msg.Tick: _tick,
    msg.Online: _online,
    msg.Offline: _offline,
    msg.News: _news,
    msg.Said: _said,
    msg.SearchBegun: _begun,
    msg.Printed: _printed,
}
