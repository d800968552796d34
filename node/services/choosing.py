"""What a person chooses while things run: bandwidth limits, which files are wanted and how much, and their order.

Rules: a choice is written down first, then it holds at once; a restart finds it again. One is made at a time, on top
of those before, and to the end, though who made it hangs up. `restore` comes before anything is sent or asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import trio

from node.errors import NotFoundError, UsageError
from node.services.library import Library
from node.services.threads import in_thread
from node.store.choosing import choose, keep_priorities
from node.store.items import Item
from node.swarm.selection import Priority, Wishes
from protocols.manifest import Manifest

Limit = tuple[float | None, float | None]
"""Bytes per second up and down; None is no limit, 0 lets nothing through."""


class Choosing:
    """The commands that change how the node treats its items."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._choices = library.catalogue.choices
        self._limits = library.exchange.limits
        self._choosing = trio.Lock()

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

    async def prioritize(self, item: Item, words: Sequence[str], priority: Priority) -> Item:
        """Want the files meant by some words more, less or not at all; no words mean all. Raises ShoalError.

        Before the manifest is known nobody can tell which files there are, and the download must go on first.
        """
        _check_incomplete(item)
        async with self._choice():
            manifest = await in_thread(self._library.catalogue.manifest, item.cid)
            if manifest is None:
                raise NotFoundError(f"which files #{item.number} {item.name} has isn't known yet; try again soon")
            before = await in_thread(self._choices.priorities, item.cid)
            return await self._keep(item, manifest, choose(manifest, before, words, priority))

    async def want_only(self, item: Item, words: Sequence[str]) -> Item:
        """Skip all files but those meant by some words, now or as soon as it is known which there are."""
        async with self._choice():
            manifest = await in_thread(self._library.catalogue.manifest, item.cid)
            if manifest is None:
                await in_thread(self._choices.set_only_files, item.cid, words)
                return item
            return await self._keep(item, manifest, choose(manifest, {}, words, Priority.NORMAL, others=Priority.SKIP))

    async def _keep(self, item: Item, manifest: Manifest, chosen: Mapping[int, Priority]) -> Item:
        active = self._library.active.get(item.cid)
        if active and active.task.machine:
            have = active.task.machine.have
        else:
            have = (await in_thread(self._library.catalogue.held, item.cid)).have
        await in_thread(keep_priorities, self._library.catalogue, item.cid, manifest, chosen, have)
        return await self._told(item)

    async def set_sequential(self, item: Item, is_sequential: bool) -> Item:
        """Fetch from the beginning to the end, or rarest first."""
        _check_incomplete(item)
        async with self._choice():
            await in_thread(self._choices.set_sequential, item.cid, is_sequential)
            return await self._told(item)

    @asynccontextmanager
    async def _choice(self) -> AsyncIterator[None]:
        async with self._choosing:
            with trio.CancelScope(shield=True):
                yield

    async def _told(self, item: Item) -> Item:
        """The item with its new choices, once its download knows them."""
        item = await in_thread(self._library.catalogue.get, item.cid)
        priorities = await in_thread(self._choices.priorities, item.cid)
        if active := self._library.active.get(item.cid):
            active.task.wish(Wishes(priorities, item.is_sequential))
        return item


def _check_incomplete(item: Item) -> None:
    if item.is_complete:
        raise UsageError(f"#{item.number} {item.name} is complete: there is nothing left to choose")
