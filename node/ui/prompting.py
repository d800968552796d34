"""The line at the bottom: commands and the live filter, with history and completion. Pure.

Rules: words that only change the screen are done here and work without a node; every other line is the command
table's and goes out as it is, but not while the node doesn't answer. Any text is a command or a sentence that says
why not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from node.status import ItemStatus
from node.ui.actions import show_screen
from node.ui.completing import all_words, complete, ghost
from node.ui.lineedit import line
from node.ui.messages import Leave, Request, RunLine
from node.ui.model import Model, Prompt, PromptKind, Screen, filtered
from node.ui.rows import current, sorted_by, sorts
from node.ui.step import Step, refuse_offline, say
from node.ui.theme import THEMES
from node.ui.words import meant

MAX_HISTORY = 100

SHORTEST_PREFIX = 6
"""Characters of a CID that name a row, as in the commands: fewer are a word or a number."""


def prompt_key(model: Model, prompt: Prompt, key: str) -> Step:
    """One key while a line is typed."""
    match key:
        case "esc":
            cleared = replace(model, prompt=None)
            return _narrowed(cleared, prompt.kind, ""), ()
        case "enter":
            return _entered(replace(model, prompt=None), prompt)
        case "backspace" if not prompt.edit.text:
            return replace(model, prompt=None), ()
        case "up" | "down" if prompt.kind is PromptKind.COMMAND:
            return replace(model, prompt=_recalled(model, prompt, -1 if key == "up" else 1)), ()
        case "tab" if prompt.kind is PromptKind.COMMAND:
            return replace(model, prompt=replace(prompt, edit=line(complete(model, prompt.edit.text)))), ()
        case "right" | "ctrl-f" | "end" | "ctrl-e" if rest := ghost(model, prompt):
            return typed(model, replace(prompt, edit=prompt.edit.insert(rest))), ()
    edit = prompt.edit.key(key)
    if edit is None:
        edit = prompt.edit.insert(" " if key == "space" else key) if len(key) == 1 or key == "space" else prompt.edit
    return typed(model, replace(prompt, edit=edit)), ()


def typed(model: Model, prompt: Prompt) -> Model:
    """The model after the line has changed; a filter holds at once."""
    model = replace(model, prompt=prompt)
    return _narrowed(model, prompt.kind, prompt.edit.text)


def _narrowed(model: Model, kind: PromptKind, text: str) -> Model:
    """The model with only those rows, or keys of the help, that fit what is typed."""
    match kind:
        case PromptKind.FILTER:
            return filtered(model, text)
        case PromptKind.HELP:
            return replace(model, help_filter=text)
        case _:
            return model


def _entered(model: Model, prompt: Prompt) -> Step:
    text = prompt.edit.text.strip()
    if prompt.kind is not PromptKind.COMMAND:
        return _narrowed(model, prompt.kind, text), ()
    if not text:
        return model, ()
    kept = tuple(each for each in model.history if each != text)
    return run(replace(model, history=(*kept, text)[-MAX_HISTORY:]), text)


def _recalled(model: Model, prompt: Prompt, by: int) -> Prompt:
    """The prompt with an older or newer line of the history."""
    at_end = len(model.history)
    place = at_end if prompt.place is None else prompt.place
    draft = prompt.edit.text if prompt.place is None else prompt.draft
    place = min(max(place + by, 0), at_end)
    if place == at_end:
        return replace(prompt, edit=line(draft), place=None, draft="")
    return replace(prompt, edit=line(model.history[place]), place=place, draft=draft)


# --- giving a command ---------------------------------------------------------------------------------------------


def run(model: Model, text: str) -> Step:
    """Do what a line says."""
    words = text.lstrip(":").split()
    if not words:
        return model, ()
    found = meant(words[0], all_words(model))
    if isinstance(found, str):
        return say(model, found, is_error=True), ()
    if found.name in _NAVIGATION:
        return _NAVIGATION[found.name](model, words[1:])
    if not model.is_online:
        return refuse_offline(model), ()
    item = current(model)
    rest = text.lstrip(":").strip()[len(words[0]) :]
    return say(model, f"{found.name}…"), (RunLine(found.name + rest, item.cid if item else None),)


# --- words that only change the screen ----------------------------------------------------------------------------


def _by_word(model: Model, word: str) -> ItemStatus | str:
    """The row that a number or the beginning of a CID names; else a sentence."""
    wanted = word.removeprefix("#")
    rows = model.shown.items or ()
    if wanted.isdecimal():
        found = [item for item in rows if item.number == int(wanted)]
    else:
        found = [item for item in rows if len(wanted) >= SHORTEST_PREFIX and item.cid.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    return f"{word} could be several files" if found else f"there is no file {word}; see: list"


def _info(model: Model, words: list[str]) -> Step:
    item = _by_word(model, words[0]) if words else current(model)
    if item is None:
        return say(model, "usage: info <#>", is_error=True), ()
    if isinstance(item, str):
        return say(model, item, is_error=True), ()
    model = replace(model, selected={**model.selected, Screen.TRANSFERS: item.cid})
    return replace(show_screen(model, Screen.TRANSFERS), details=item.cid), ()


def _peers(model: Model, words: list[str]) -> Step:
    item = _by_word(model, words[0]) if words else None
    if isinstance(item, str):
        return say(model, item, is_error=True), ()
    return replace(show_screen(model, Screen.PEERS), peers_of=item.cid if item else None), ()


def _sort(model: Model, words: list[str]) -> Step:
    keys, _ = sorts(model)
    found = [key for key in keys if words and key.startswith(words[0].casefold())]
    if not found:
        return say(model, f"usage: sort <{'|'.join(keys)}>", is_error=True), ()
    return sorted_by(model, found[0]), ()


def _theme(model: Model, words: list[str]) -> Step:
    if not words or words[0] not in THEMES:
        return say(model, f"usage: theme <{'|'.join(THEMES)}>", is_error=True), ()
    return replace(model, theme=words[0]), ()


def _to(screen: Screen) -> Callable[[Model, list[str]], Step]:
    return lambda model, words: (show_screen(model, screen), ())


def _search(model: Model, words: list[str]) -> Step:
    scope = next((scope for scope in ("local", "peers") if f"--{scope}" in words), "all")  # of two the one nearer home
    is_stop = "--stop" in words
    patience: tuple[tuple[str, object], ...] = ()
    if "--timeout" in words:
        place = words.index("--timeout")
        said, words = " ".join(words[place + 1 : place + 2]), [*words[:place], *words[place + 2 :]]
        if not said.isdecimal():
            return say(model, "usage: search <text> --timeout <seconds>", is_error=True), ()
        patience = (("patience_s", float(said)),)
    text = " ".join(word for word in words if not word.startswith("--"))
    model = show_screen(model, Screen.SEARCH)
    if not text and not is_stop:
        return model, ()
    if not model.is_online:
        return refuse_offline(model), ()
    if is_stop:
        return model, (Request("search_stop", (), "stopped searching"),)
    model = replace(filtered(model, ""), places={**model.places, Screen.SEARCH: 0})
    params = (("text", text), ("scope", scope), ("wait", False), *patience)
    return model, (Request("search", params, f'searching for "{text}"'),)


_NAVIGATION: Mapping[str, Callable[[Model, list[str]], Step]] = {
    "list": _to(Screen.TRANSFERS),
    "uploads": _to(Screen.UPLOADS),
    "log": _to(Screen.LOG),
    "net": _to(Screen.NETWORK),
    "search": _search,
    "info": _info,
    "peers": _peers,
    "sort": _sort,
    "filter": lambda model, words: (filtered(model, " ".join(words)), ()),
    "theme": _theme,
    "help": lambda model, words: (replace(model, is_help_open=True), ()),
    "quit": lambda model, words: (model, (Leave(),)),
}
