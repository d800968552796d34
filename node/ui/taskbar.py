"""How far all downloads are, for the taskbar or the tab of terminals that show it (OSC 9;4). Pure.

Rules: only terminals that are known to understand it get it: others show the sequence as a notification, many times a
second. What is shown is cleared before the dashboard leaves.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.status import TransferState
from node.ui.model import UNDER_WAY, Model
from node.ui.units import percent

NOTHING = "\x1b]9;4;0\x07"
_NORMAL, _ERROR, _WAITING = 1, 2, 4
_PROGRAMS = ("ghostty", "WezTerm")


def has_taskbar(environ: Mapping[str, str]) -> bool:
    """Whether the terminal is one of those: Windows Terminal, ConEmu, Ghostty, WezTerm."""
    return "WT_SESSION" in environ or environ.get("ConEmuANSI") == "ON" or environ.get("TERM_PROGRAM", "") in _PROGRAMS


def taskbar(model: Model) -> str:
    """What shows the model's downloads: a bar, an error's where one has failed, a waiting one while all are stalled."""
    rows = [item for item in model.data.items or () if item.state in UNDER_WAY or item.state is TransferState.ERROR]
    if not rows or not model.is_online:
        return NOTHING
    states = {item.state for item in rows}
    state = _ERROR if TransferState.ERROR in states else _WAITING if states == {TransferState.STALLED} else _NORMAL
    done = percent(sum(item.bytes_have for item in rows), sum(item.wanted_bytes for item in rows))
    return f"\x1b]9;4;{state};{done}\x07"
