"""What a terminal can do by what the environment says of it, and what people may want of it instead.

Pure, and light: every command asks, and so does completion, which has no time at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

UNUSABLE = ("", "dumb", "unknown")
"""What a terminal that can't move its cursor calls itself."""

NO_TASKBAR = "\x1b]9;4;0\x07"
NORMAL_BAR, ERROR_BAR, WAITING_BAR = 1, 2, 4
_WITH_TASKBAR = ("ghostty", "WezTerm")


class ColourMode(StrEnum):
    """`--color`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class ProgressMode(StrEnum):
    """`--progress`."""

    AUTO = "auto"
    ALWAYS = "always"
    PLAIN = "plain"
    NEVER = "never"


def can_move(environ: Mapping[str, str]) -> bool:
    """Whether the terminal knows how to move its cursor."""
    return environ.get("TERM", "") not in UNUSABLE


def is_coloured(mode: ColourMode, *, is_terminal: bool, environ: Mapping[str, str]) -> bool:
    """Whether listings get colours: the flag decides, then NO_COLOR, then what forces them, then who reads."""
    if mode is not ColourMode.AUTO:
        return mode is ColourMode.ALWAYS
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"):
        return True
    return is_terminal and can_move(environ)


def colour_count(environ: Mapping[str, str], mode: ColourMode = ColourMode.AUTO) -> int:
    """How many colours the terminal shows, by what it calls itself: 0, 8, 16 or 256, which is all the themes use."""
    term = environ.get("TERM", "")
    is_refused = mode is ColourMode.NEVER or (mode is ColourMode.AUTO and environ.get("NO_COLOR"))
    if is_refused or term.startswith("vt"):
        return 0
    if "256" in term or environ.get("COLORTERM") or term.partition("-")[2] in ("kitty", "ghostty", "direct"):
        return 256
    return 16 if "16color" in term else 8


def has_taskbar(environ: Mapping[str, str]) -> bool:
    """Whether the terminal shows progress in a taskbar or tab: Windows Terminal, ConEmu, Ghostty, WezTerm.

    Others get none of it: some show the sequence as a notification, many times a second.
    """
    program = environ.get("TERM_PROGRAM", "")
    return "WT_SESSION" in environ or environ.get("ConEmuANSI") == "ON" or program in _WITH_TASKBAR


def bar_sequence(kind: int, percent: int) -> str:
    """What shows so many percent there (OSC 9;4)."""
    return f"\x1b]9;4;{kind};{percent}\x07"
