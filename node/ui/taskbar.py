"""How far all downloads are, for the taskbar or the tab of terminals that show it. Pure.

Rules: what is shown is cleared before the dashboard leaves.
"""

from __future__ import annotations

from node.status import TransferState
from node.ui.capabilities import ERROR_BAR, NO_TASKBAR, NORMAL_BAR, WAITING_BAR, bar_sequence
from node.ui.model import UNDER_WAY, Model
from node.ui.units import percent


def taskbar(model: Model) -> str:
    """What shows the model's downloads: a bar, an error's where one has failed, a waiting one while all are stalled."""
    rows = [item for item in model.data.items or () if item.state in UNDER_WAY or item.state is TransferState.ERROR]
    if not rows or not model.is_online:
        return NO_TASKBAR
    states = {item.state for item in rows}
    kind = WAITING_BAR if states == {TransferState.STALLED} else NORMAL_BAR
    if TransferState.ERROR in states:
        kind = ERROR_BAR
    done = percent(sum(item.bytes_have for item in rows), sum(item.wanted_bytes for item in rows))
    return bar_sequence(kind, done)
