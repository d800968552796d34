"""How the styles' names look: colours and attributes for each theme. Pure.

Rules: colour is never the only signal, every state has a glyph and a word too. Named colours are the person's own
palette; `cvd` uses the colours of Okabe and Ito, which people of any colour vision tell apart; `mono` has none, for
NO_COLOR and monochrome terminals. A style's sequence always begins with a reset, so order doesn't matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

THEMES = ("shoal", "light", "cvd", "mono")

_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")

# Okabe and Ito's palette by its nearest colours among the 256, and by names where there are but 16.
_OKABE_ITO = {
    "orange": (214, "yellow"),
    "sky": (74, "cyan"),
    "deep-blue": (25, "blue"),
    "vermillion": (166, "red"),
    "purple": (175, "magenta"),
}


@dataclass(frozen=True, slots=True)
class Style:
    """What a terminal is told; `colour` is a name above, with `bright` for the lighter of the 16."""

    colour: str = ""
    bright: bool = False
    bold: bool = False
    dim: bool = False
    underline: bool = False
    reverse: bool = False


_PLAIN: Mapping[str, Style] = {
    "text": Style(),
    "dim": Style(dim=True),
    "rule": Style(dim=True),
    "title": Style(bold=True),
    "heading": Style(underline=True),
    "tab": Style(),
    "tab-on": Style(bold=True, reverse=True),
    "select": Style(reverse=True),
    "key": Style(bold=True),
    "ghost": Style(dim=True),
    "ok": Style(),
    "down": Style(bold=True),
    "up": Style(),
    "warn": Style(bold=True),
    "error": Style(bold=True, reverse=True),
    "bad": Style(bold=True, reverse=True),
    "have": Style(bold=True),
    "flight": Style(reverse=True),
    "many": Style(),
    "rare": Style(underline=True),
    "none": Style(dim=True),
}

_COLOURED: Mapping[str, Mapping[str, Style]] = {
    "shoal": {
        "title": Style("cyan", bold=True),
        "tab-on": Style("cyan", bold=True, reverse=True),
        "key": Style("cyan", bold=True),
        "ok": Style("green"),
        "down": Style("cyan"),
        "up": Style("magenta"),
        "warn": Style("yellow"),
        "error": Style("red", bright=True, bold=True),
        "bad": Style("red", bright=True, bold=True),
        "have": Style("green"),
        "flight": Style("yellow", bold=True),
        "many": Style("blue"),
        "rare": Style("magenta"),
    },
    "light": {
        "title": Style("blue", bold=True),
        "tab-on": Style("blue", bold=True, reverse=True),
        "key": Style("blue", bold=True),
        "ok": Style("green", bold=True),
        "down": Style("blue"),
        "up": Style("magenta"),
        "warn": Style("magenta", bold=True),
        "error": Style("red", bold=True),
        "bad": Style("red", bold=True),
        "have": Style("green"),
        "flight": Style("magenta", bold=True),
        "many": Style("blue"),
        "rare": Style("red"),
    },
    "cvd": {
        "title": Style("sky", bold=True),
        "tab-on": Style("sky", bold=True, reverse=True),
        "key": Style("sky", bold=True),
        "ok": Style("sky"),
        "down": Style("sky"),
        "up": Style("orange"),
        "warn": Style("orange"),
        "error": Style("vermillion", bold=True),
        "bad": Style("vermillion", bold=True),
        "have": Style("sky"),
        "flight": Style("orange", bold=True),
        "many": Style("deep-blue"),
        "rare": Style("purple"),
    },
    "mono": {},
}


def style_sequences(theme: str, colours: int) -> Mapping[str, str]:
    """The escape sequence of every style for a terminal with so many colours; under 8 every theme is `mono`."""
    chosen = {**_PLAIN, **_COLOURED[theme if colours >= 8 else "mono"]}
    return MappingProxyType({name: _sequence(style, colours) for name, style in chosen.items()})


def _sequence(style: Style, colours: int) -> str:
    codes = [""]
    attributes = ((style.bold, "1"), (style.dim, "2"), (style.underline, "4"), (style.reverse, "7"))
    codes += [code for wanted, code in attributes if wanted]
    if style.colour:
        codes.append(_colour(style.colour, style.bright, colours))
    return f"\x1b[{';'.join(codes)}m"


def _colour(name: str, bright: bool, colours: int) -> str:
    if name in _OKABE_ITO:
        index, named = _OKABE_ITO[name]
        if colours >= 256:
            return f"38;5;{index}"
        name = named
    if name not in _NAMES:
        raise ValueError(name)
    return str((90 if bright and colours >= 16 else 30) + _NAMES.index(name))
