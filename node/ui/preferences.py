"""What a person has chosen of the dashboard, in `dashboard.toml` in the data folder: keys, columns, theme, rate. Pure.

    theme = "cvd"                            # shoal, light, cvd or mono
    rate = 2                                 # screens a second
    mouse = false
    a11y = true                              # for screen readers and braille displays
    ascii = true
    graph = "block"                          # where the font has no braille
    bell = true                              # when a download is complete
    units = "iec"                            # KiB and MiB; "si" for KB and MB (SHOAL_UNITS for the commands too)
    columns = ["size", "done", "down"]       # of Transfers, besides number and name, in this order; `o` writes it
    [keys]
    pause = "P"                              # an action of the help, and its key or keys
    line-down = ["j", "down", "ctrl-n"]

Rules: every mistake is a `UsageError` that names it; one key does one thing in one place, also when it is the person's.
What the dashboard writes changes nothing else of the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from node.errors import UsageError
from node.ui.keymap import BINDINGS, Binding, bindings, is_shared
from node.ui.theme import THEMES
from node.ui.units import UNITS
from node.ui.view_transfers import COLUMNS

_COLUMNS_LINE = re.compile(r"^columns\s*=\s*\[[^\]]*\]", re.MULTILINE)
_TABLE = re.compile(r"^\s*\[", re.MULTILINE)

SLOWEST, FASTEST = 0.1, 10.0
"""Screens a second that can be chosen."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """None where nothing was chosen."""

    theme: str | None = None
    rate: float | None = None
    is_mouse_on: bool = True
    is_a11y: bool = False
    is_ascii: bool = False
    has_blocks: bool = False
    has_bell: bool = False
    units: str | None = None
    columns: tuple[str, ...] | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))  # by action


def parse(text: str, where: str) -> Preferences:
    """The preferences in the file `where`; raises UsageError."""
    import tomllib  # here because most people have no such file

    try:
        found = tomllib.loads(text)
        if unknown := sorted(set(found) - set(_READERS)):
            raise ValueError(f"there is no {unknown[0]}, only {', '.join(_READERS)}")
        return Preferences(**dict(_READERS[name](value) for name, value in found.items()))
    except ValueError as error:  # tomllib's own too
        raise UsageError(f"{where}: {error}") from error


def arrangement(columns: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The order of all columns, () for the usual one, and those that are hidden, if just these are wanted."""
    hidden = frozenset(COLUMNS) - set(columns)
    is_usual = columns == tuple(key for key in COLUMNS if key not in hidden)
    return () if is_usual else (*columns, *(key for key in COLUMNS if key in hidden)), hidden


def with_columns(text: str, columns: tuple[str, ...], where: str) -> str:
    """The text of the file `where` with these columns chosen in it; raises UsageError where it can't be changed so."""
    line = f"columns = {list(columns)}".replace("'", '"')
    table = _TABLE.search(text)  # [keys] has a `columns` of its own
    head, tail = (text[: table.start()], text[table.start() :]) if table else (text, "")
    changed, found = _COLUMNS_LINE.subn(line, head, count=1)
    changed = (changed if found else f"{line}\n{head}") + tail
    if parse(changed, where) != replace(parse(text, where), columns=columns):
        raise UsageError(f"{where} isn't changed: its columns can't be told from the rest")
    return changed


def _theme(value: object) -> tuple[str, Any]:
    if value not in THEMES:
        raise ValueError(f"theme is {', '.join(THEMES)}, not {value!r}")
    return "theme", value


def _units(value: object) -> tuple[str, Any]:
    if value not in UNITS:
        raise ValueError(f"units is {' or '.join(UNITS)}, not {value!r}")
    return "units", value


def _graph(value: object) -> tuple[str, Any]:
    if value not in ("braille", "block"):
        raise ValueError(f"graph is braille or block, not {value!r}")
    return "has_blocks", value == "block"


def _rate(value: object) -> tuple[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not SLOWEST <= value <= FASTEST:
        raise ValueError(f"rate is a number from {SLOWEST} to {FASTEST:.0f}, not {value!r}")
    return "rate", float(value)


def _switch(name: str, member: str) -> Callable[[object], tuple[str, Any]]:
    def read(value: object) -> tuple[str, Any]:
        if not isinstance(value, bool):
            raise ValueError(f"{name} is true or false, not {value!r}")
        return member, value

    return read


def _columns(value: object) -> tuple[str, Any]:
    if not isinstance(value, list) or not all(key in COLUMNS for key in value) or len(set(value)) < len(value):
        raise ValueError(f"columns is a list of {', '.join(COLUMNS)}, each at most once")
    return "columns", tuple(value)


def _keys(value: object) -> tuple[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("keys is a table of actions and their keys")
    actions = {binding.action for binding in BINDINGS}
    chosen: dict[str, tuple[str, ...]] = {}
    for action, keys in value.items():
        if action not in actions:
            raise ValueError(f"there is no action {action!r}, only {', '.join(sorted(actions))}")
        listed = keys if isinstance(keys, list) else [keys]
        if not all(isinstance(key, str) and key for key in listed):
            raise ValueError(f"the keys of {action} are names like p, ctrl-n or pgdn")
        chosen[action] = tuple(listed)
    if twice := _twice(bindings(MappingProxyType(chosen))):
        raise ValueError(twice)
    return "keys", MappingProxyType(chosen)


def _twice(table: tuple[Binding, ...]) -> str:
    """A sentence about the first key that does two things in one place; "" if none does."""
    for number, one in enumerate(table):
        for other in table[number + 1 :]:
            if is_shared(one, other) and (both := set(one.keys) & set(other.keys)):
                return f"{min(both)} would be both {one.action} and {other.action}"
    return ""


_READERS: Mapping[str, Callable[[object], tuple[str, Any]]] = {
    "theme": _theme,
    "units": _units,
    "rate": _rate,
    "mouse": _switch("mouse", "is_mouse_on"),
    "a11y": _switch("a11y", "is_a11y"),
    "ascii": _switch("ascii", "is_ascii"),
    "bell": _switch("bell", "has_bell"),
    "graph": _graph,
    "columns": _columns,
    "keys": _keys,
}
