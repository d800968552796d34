"""The methods of the control socket by which a person chooses how items are treated: `limit`, `priority`.

Rules: as in `items`. A member that is missing leaves things as they are; null takes a limit away.
"""

from __future__ import annotations

import math

from node.api.parameters import item_of, words_of
from node.control.server import Call, Handler
from node.errors import UsageError
from node.services.choosing import Choosing, Limit
from node.services.library import Library
from node.services.snapshots import Snapshots
from node.status import to_json
from node.store.items import Item
from node.swarm.selection import Priority


class ChoicesApi:
    """The handlers, bound to the running node."""

    def __init__(self, library: Library, choosing: Choosing, snapshots: Snapshots) -> None:
        self._catalogue = library.catalogue
        self._choosing = choosing
        self._snapshots = snapshots

    @property
    def handlers(self) -> dict[str, Handler]:
        """Every method by its name."""
        return {"limit": self.limit, "priority": self.priority}

    async def limit(self, call: Call) -> object:
        """Change and tell the limits `up_bps` and `down_bps` of one item, or of the whole node without a target."""
        if call.params.get("target") is None:
            await self._choosing.limit_node(_changed(call, self._choosing.node_limit))
            up_bps, down_bps = self._choosing.node_limit
            return {"up_limit_bps": up_bps, "down_limit_bps": down_bps}
        item = await self._item(call)
        limit = _changed(call, (item.up_limit_bps, item.down_limit_bps))
        return to_json(self._snapshots.item(await self._choosing.limit_share(item, limit)))

    async def priority(self, call: Call) -> object:
        """Change how much `files` are wanted (all without any) and in which order, `sequential`; the item."""
        item = await self._item(call)
        if level := call.param("priority", str, ""):
            item = await self._choosing.prioritize(item, words_of(call, "files"), _priority(level))
        if "sequential" in call.params:
            item = await self._choosing.set_sequential(item, call.param("sequential", bool))
        return to_json(self._snapshots.item(item))

    async def _item(self, call: Call) -> Item:
        return await item_of(call, self._catalogue)


def _priority(word: str) -> Priority:
    try:
        return Priority[word.upper()]
    except KeyError:
        words = ", ".join(priority.name.lower() for priority in reversed(Priority))
        raise UsageError(f"a priority is one of {words}, not {word}") from None


def _changed(call: Call, limit: Limit) -> Limit:
    """The limit with what the call says about it; raises UsageError."""
    return _number(call, "up_bps", limit[0]), _number(call, "down_bps", limit[1])


def _number(call: Call, name: str, unchanged: float | None) -> float | None:
    if name not in call.params:
        return unchanged
    if call.params[name] is None:
        return None
    value = call.param(name, float)
    if not 0 <= value < math.inf:
        raise UsageError(f"{name} is a number of bytes per second from 0 on, not {value}")
    return value
