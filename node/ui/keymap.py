"""The table of keys, from which the hints and the help are made. Pure.

Rules: in one place a key means one thing (a test holds that); what destroys something opens a dialog; Backspace and
Delete never act on rows. F3 stays free: some terminals answer a question for the cursor's place with its sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from node.ui.hit_rows import own_search
from node.ui.kept import kept
from node.ui.model import Model, Screen


class Place(StrEnum):
    """Where a key holds."""

    ANYWHERE = "anywhere"
    LIST = "list"  # rows to move through: Transfers, Search, Peers, Uploads
    FILES = "files"  # a file is meant: Transfers, Uploads, details
    TRANSFERS = "transfers"
    SEARCH = "search"
    PEERS = "peers"
    UPLOADS = "uploads"
    DETAILS = "details"
    NETWORK = "network"
    LOG = "log"


class Group(StrEnum):
    """The help's headings."""

    MOVE = "Move"
    FIND = "Find"
    ACT = "Act on row (or marked rows)"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Binding:
    """Keys that do one thing in some places; `hint` is its short word for the bottom line, where `_HINTS` has it."""

    action: str
    keys: tuple[str, ...]
    words: str  # the help puts keys of the same words together
    group: Group
    places: frozenset[Place]
    hint: str = ""
    hinted_keys: int = 1  # so many of them stand in it


def _bind(action: str, keys: str, words: str, group: Group, *places: Place, hint: str = "") -> Binding:
    return Binding(action, tuple(keys.split()), words, group, frozenset(places), hint)


_A, _L, _F = Place.ANYWHERE, Place.LIST, Place.FILES
_FILTERED = (Place.TRANSFERS, Place.SEARCH, Place.UPLOADS, Place.LOG)

BINDINGS = (
    _bind("line-down", "j down", "line", Group.MOVE, _L, Place.LOG, Place.DETAILS),
    _bind("line-up", "k up", "line", Group.MOVE, _L, Place.LOG, Place.DETAILS),
    _bind("first", "g home", "first, last", Group.MOVE, _L, Place.LOG),
    _bind("last", "G end", "first, last", Group.MOVE, _L, Place.LOG),
    _bind("half-down", "ctrl-d", "half a page, page", Group.MOVE, _L, Place.LOG),
    _bind("half-up", "ctrl-u", "half a page, page", Group.MOVE, _L, Place.LOG),
    _bind("page-down", "pgdn", "half a page, page", Group.MOVE, _L, Place.LOG),
    _bind("page-up", "pgup", "half a page, page", Group.MOVE, _L, Place.LOG),
    _bind("open", "enter l right", "open", Group.MOVE, Place.TRANSFERS, Place.UPLOADS, hint="info"),
    _bind("back", "esc h left", "back", Group.MOVE, _L, Place.DETAILS, Place.NETWORK, Place.LOG, hint="back"),
    _bind("next-tab", "tab", "next pane, screen", Group.MOVE, Place.DETAILS, hint="overview/chunks/peers/files"),
    _bind("next-screen", "tab", "next pane, screen", Group.MOVE, _L, Place.NETWORK, Place.LOG),
    _bind("last-screen", "shift-tab", "screen before", Group.MOVE, _A),
    *(
        _bind(f"screen:{screen.value}", str(number), f"screen {screen.value}", Group.MOVE, _A)
        for number, screen in enumerate(Screen, start=1)
    ),
    _bind("filter", "/", "live filter", Group.FIND, *_FILTERED, hint="filter"),
    _bind("search", "n", "new search", Group.FIND, _A, hint="new search"),
    _bind("hit-info", "i", "what a hit is", Group.FIND, Place.SEARCH, hint="info"),
    _bind("sort", "s", "sort; again: back", Group.FIND, _L, hint="sort"),
    _bind("columns", "o", "choose columns", Group.FIND, Place.TRANSFERS),
    _bind("use-peer", "enter l right", "open", Group.MOVE, Place.PEERS, hint="use this peer"),
    _bind("its-peers", "p", "its peers, all", Group.FIND, Place.UPLOADS, hint="peers"),
    _bind("hit-peers", "p", "its peers, all", Group.FIND, Place.SEARCH, hint="peers"),
    _bind("everybody", "a", "its peers, all", Group.FIND, Place.PEERS, Place.NETWORK, hint="all connections"),
    _bind("connect", "c", "connect to a peer", Group.FIND, Place.NETWORK, hint="connect"),
    _bind("refresh", "r", "refresh its table", Group.FIND, Place.NETWORK, hint="refresh table"),
    _bind("follow", "f", "log, level, file", Group.FIND, Place.LOG, hint="follow"),
    _bind("level", "l", "log, level, file", Group.FIND, Place.LOG, hint="level"),
    _bind("log-file", "w", "log, level, file", Group.FIND, Place.LOG, hint="write to file"),
    _bind("pause", "p", "pause or resume", Group.ACT, Place.TRANSFERS, Place.DETAILS, hint="pause"),
    _bind("download", "d", "download, go on", Group.ACT, _F, hint="download"),
    replace(_bind("take", "enter d", "download, go on", Group.ACT, Place.SEARCH, hint="download"), hinted_keys=2),
    _bind("cancel", "x", "cancel, asks", Group.ACT, _F, hint="cancel"),
    _bind("stop", "S", "stop seeding, asks", Group.ACT, _F, hint="stop"),
    _bind("ban", "b", "ban, asks; lift", Group.ACT, Place.PEERS, hint="ban"),
    _bind("limits", "L", "bandwidth limits", Group.ACT, _A, hint="limits"),
    _bind("verify", "v", "verify hashes", Group.ACT, _F),
    _bind("mark", "space", "mark, unmark all", Group.ACT, Place.TRANSFERS, Place.UPLOADS),
    _bind("unmark", "u", "mark, unmark all", Group.ACT, Place.TRANSFERS, Place.UPLOADS),
    _bind("copy", "y", "copy id", Group.ACT, _F, Place.SEARCH, hint="copy id"),
    _bind("copy", "y", "copy id", Group.ACT, Place.PEERS, Place.NETWORK, hint="copy peer id"),
    _bind("copy", "y", "copy id", Group.ACT, Place.LOG, hint="copy line"),
    _bind("command", ":", "command line", Group.OTHER, _A, hint="command"),
    _bind("freeze", "F", "freeze display", Group.OTHER, _A),
    _bind("mouse", "M", "mouse on/off", Group.OTHER, _A),
    _bind("redraw", "ctrl-l", "redraw, suspend", Group.OTHER, _A),
    _bind("suspend", "ctrl-z", "redraw, suspend", Group.OTHER, _A),
    _bind("help", "?", "this help", Group.OTHER, _A, hint="help"),
    _bind("leave", "q", "leave; node runs", Group.OTHER, _A, hint="leave"),
    _bind("stop-node", "Q", "stop node, asks", Group.OTHER, _A),
)

_HINTS = {
    Place.TRANSFERS: "open download pause cancel filter sort command help stop limits copy",
    Place.DETAILS: "back next-tab pause cancel copy download command help stop limits",
    Place.SEARCH: "take hit-info hit-peers search filter back sort command help limits copy",
    Place.PEERS: "use-peer ban everybody sort back command help copy limits",
    Place.UPLOADS: "stop limits open its-peers sort help filter command cancel copy",
    Place.NETWORK: "connect refresh everybody copy help command limits",
    Place.LOG: "follow level filter copy log-file help command limits",
}
"""The bottom line of each place, what is wanted most often first: it has as many as there is room for."""

_HINTS_WHEN_EMPTY = "command search help leave"

_SHOWN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "space": "Space",
    "enter": "Enter",
    "esc": "Esc",
    "tab": "Tab",
}
_NAMED = {"pgup": "PgUp", "pgdn": "PgDn", "home": "Home", "end": "End", "shift-tab": "S-Tab"}

_PLACES: dict[Screen, frozenset[Place]] = {
    Screen.TRANSFERS: frozenset({_A, _L, _F, Place.TRANSFERS}),
    Screen.SEARCH: frozenset({_A, _L, Place.SEARCH}),
    Screen.PEERS: frozenset({_A, _L, Place.PEERS}),
    Screen.UPLOADS: frozenset({_A, _L, _F, Place.UPLOADS}),
    Screen.NETWORK: frozenset({_A, Place.NETWORK}),
    Screen.LOG: frozenset({_A, Place.LOG}),
}
_IN_DETAILS = frozenset({_A, _F, Place.DETAILS})


def places(model: Model) -> frozenset[Place]:
    """Where the keys of this moment hold."""
    return _IN_DETAILS if model.details is not None else _PLACES[model.screen]


def is_shared(one: Binding, other: Binding) -> bool:
    """Whether there is a moment when the keys of both hold."""
    return any(one.places & where and other.places & where for where in (*_PLACES.values(), _IN_DETAILS))


@kept
def bindings(keys: Mapping[str, tuple[str, ...]]) -> tuple[Binding, ...]:
    """The table with a person's own keys, by action."""
    return tuple(replace(each, keys=keys.get(each.action, each.keys)) for each in BINDINGS)


def action_of(key: str, where: frozenset[Place], table: tuple[Binding, ...] = BINDINGS) -> str:
    """What a key does there; "" if nothing."""
    return next((binding.action for binding in table if key in binding.keys and binding.places & where), "")


def hints(model: Model) -> Iterator[tuple[str, str, str]]:
    """The bottom line's (key, word, action), what is wanted most often first."""
    where = places(model)
    is_empty = Place.TRANSFERS in where and model.shown.items == ()
    actions = _HINTS_WHEN_EMPTY if is_empty else next(_HINTS[place] for place in _HINTS if place in where)
    is_stopping = own_search(model) is not None and not model.filter
    for key, word, action in _hints_of(where, actions, bindings(model.keys)):
        yield key, "stop searching" if action == "back" and is_stopping else word, action


@kept
def _hints_of(where: frozenset[Place], actions: str, table: tuple[Binding, ...]) -> tuple[tuple[str, str, str], ...]:
    hinted = {binding.action: binding for binding in table if binding.hint and binding.keys and binding.places & where}
    return tuple(
        ("/".join(map(shown, binding.keys[: binding.hinted_keys])), binding.hint, binding.action)
        for action in actions.split()
        if (binding := hinted.get(action))
    )


def shown(key: str) -> str:
    """A key as people write it: `^d`, `Enter`, `↑`."""
    if key.startswith("ctrl-"):
        return f"^{key.removeprefix('ctrl-')}"
    return _SHOWN.get(key) or _NAMED.get(key) or key
