"""What a person chooses while things run: bandwidth limits, which files are wanted and how much, and their order.

Rules: a choice is written down first, then it holds at once; a restart finds it again. `restore` comes before
anything is sent or asked for.
"""

from __future__ import annotations

from node.services.library import Library
from node.services.threads import in_thread
from node.store.items import Item

Limit = tuple[float | None, float | None]
"""Bytes per second up and down; None is no limit, 0 lets nothing through."""


class Choosing:
    """The commands that change how the node treats its items."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._choices = library.catalogue.choices
        self._limits = library.exchange.limits

    async def restore(self) -> None:
        """Have the limits of the last run hold again."""
        self._limits.node.set(*await in_thread(self._choices.node_limits))
        for cid, limit in (await in_thread(self._choices.share_limits)).items():
            self._limits.of(cid).set(*limit)

    @property
    def node_limit(self) -> Limit:
        """The limits of the whole node."""
        return self._limits.node.up.bps, self._limits.node.down.bps

    async def limit_node(self, limit: Limit) -> None:
        """Let no more than this pass, over all shares."""
        await in_thread(self._choices.set_node_limits, *limit)
        self._limits.node.set(*limit)

    async def limit_share(self, item: Item, limit: Limit) -> Item:
        """Let no more than this of one share pass."""
        await in_thread(self._choices.set_share_limits, item.cid, *limit)
        self._limits.of(item.cid).set(*limit)
        return await in_thread(self._library.catalogue.get, item.cid)
