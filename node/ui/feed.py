"""The node's news for the dashboard, by asking its control socket a few times a second.

Rules: only what is on the screen is asked for. The rows that move are asked for at the rate of the screen; all of them
only when something was done here, or so much time has passed that it costs little, however many there are. A node that
is gone is an ordinary state: it is told, and tried again, ever more seldom.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import trio

from node.control.async_client import AsyncControlClient, Dial
from node.errors import NoNodeError, NotFoundError, ShoalError
from node.status import DetailStatus, ItemStatus, NetworkStatus, NodeStatus, PeerStatus, SearchStatus, from_json
from node.ui.messages import Msg, News, Offline, Online
from node.ui.model import UNDER_WAY
from node.ui.wants import Wants

POLL_S = 0.25
"""For what moves: numbers that change more often can't be read."""

DETAIL_S = 0.5
"""The chunk map is the largest answer of all."""

SLOW_POLL_S = 1.0
"""For what changes slowly or costs the node more: the node itself, connections, the log."""

LIST_SHARE = 100
"""All rows are asked for again after so many times as long as that took: at most a hundredth of the time."""

LIST_S = 2.0

ANSWER_S = 5.0
"""A node that answers nothing for so long is as good as gone; it answers within milliseconds."""

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 8.0
STARTING_S = 0.1  # between tries while a node that was just started isn't ready

LONG_LIST = 200
"""Rows that are decoded on the loop; each takes about 30 us."""

T = TypeVar("T")


class Starter(Protocol):
    """Who can start a node for the data folder."""

    def start(self) -> None:
        """Start one; raises ShoalError."""

    @property
    def is_starting(self) -> bool:
        """Whether one was started and may still become ready."""

    def failure(self) -> str:
        """Why the one that was started has ended; "" if it hasn't."""


class Feed:
    """Asks and posts, for as long as the dashboard runs."""

    def __init__(
        self,
        dial: Dial,
        post: Callable[[Msg], None],
        wants: Callable[[], Wants],
        starter: Starter,
        *,
        poll_s: Callable[[], float] = lambda: POLL_S,
    ) -> None:
        """`poll_s` tells how long to wait between two looks at what moves; `wake` when it has become shorter."""
        self._dial = dial
        self._poll_s = poll_s
        self._post = post
        self._wants = wants
        self._starter = starter
        self._woken = trio.Event()
        self._list_due = 0.0
        self._slow_due = 0.0
        self._detail_due = 0.0
        self._search_due = 0.0
        self._asked = Wants()
        self._moving: frozenset[str] = frozenset()
        self._is_online = False

    def wake(self, *, has_changed: bool = False) -> None:
        """Ask now: the screen needs something else or, with `has_changed`, the rows are others now."""
        if has_changed:
            self._list_due = 0.0
        self._slow_due = self._search_due = 0.0
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        attempt = 0
        while True:
            try:
                async with self._dial() as client:
                    await self._converse(client)
            except (ShoalError, ValueError) as error:
                reason = str(error) if isinstance(error, NoNodeError) else f"the node isn't understood: {error}"
            attempt = 1 if self._is_online else attempt + 1
            self._is_online = False
            await self._pause(reason, attempt)

    async def _converse(self, client: AsyncControlClient) -> None:
        self._list_due = self._slow_due = 0.0
        while True:
            rows = await self._rows(client)
            if not self._is_online:
                self._is_online = True
                self._post(Online())
                self._post(rows)  # there has been nothing to see until now
                rows = replace(rows, items=None)
            self._post(await self._news(client, rows))
            with trio.move_on_after(self._poll_s()):
                await self._woken.wait()
            self._woken = trio.Event()

    async def _pause(self, reason: str, attempt: int) -> None:
        failure = self._starter.failure()
        is_starting = self._starter.is_starting
        longest = min(FIRST_RETRY_S * 2 ** min(attempt - 1, 10), LAST_RETRY_S)
        delay = STARTING_S if is_starting else longest * random.uniform(0.8, 1.0)
        self._post(Offline(failure or reason, trio.current_time() + delay, attempt, is_starting))
        with trio.move_on_after(delay):
            await self._woken.wait()
        self._woken = trio.Event()

    async def _news(self, client: AsyncControlClient, rows: News) -> News:
        """The rows with whatever else is due."""
        wants = self._wants()
        node, network, log, peers = None, None, None, None
        if trio.current_time() >= self._slow_due:
            self._slow_due = trio.current_time() + SLOW_POLL_S
            node = from_json(NodeStatus, await _call(client, "status"))
            if wants.network:
                network = from_json(NetworkStatus, await _call(client, "network"))
            if wants.log_lines:
                log = _lines(await _call(client, "log", lines=wants.log_lines))
            if wants.peers:
                peers = await self._peers(client, wants.peers_of)
        detail = None
        if wants.detail and (trio.current_time() >= self._detail_due or wants != self._asked):
            self._detail_due, self._asked = trio.current_time() + DETAIL_S, wants
            detail = await self._detail(client, wants)
        rows = replace(rows, search=await self._search(client) if wants.search else None)
        return replace(rows, node=node, detail=detail, peers=peers, peers_of=wants.peers_of, network=network, log=log)

    async def _rows(self, client: AsyncControlClient) -> News:
        """All rows if that is due; else those that move, and for the last time those that moved until now."""
        began = trio.current_time()
        if began >= self._list_due:
            items = await _decoded(ItemStatus, await _call(client, "list"))
            now = trio.current_time()
            self._list_due = now + max(LIST_S, LIST_SHARE * (now - began))
            self._moving = _moving(items)
            return News(now, items)
        rows = await _decoded(ItemStatus, await _call(client, "list", moving=True, also=sorted(self._moving)))
        gone = self._moving - {row.cid for row in rows}
        self._moving = _moving(rows)
        return News(trio.current_time(), moving=rows, gone=gone)

    async def _detail(self, client: AsyncControlClient, wants: Wants) -> DetailStatus | None:
        try:
            params = {"target": wants.detail, "cells": wants.cells, "files": wants.files}
            return from_json(DetailStatus, await _call(client, "info", **params))
        except NotFoundError:
            return None

    async def _search(self, client: AsyncControlClient) -> SearchStatus | None:
        """The latest search: at the rate of the screen while it goes on, seldom once all is said."""
        if trio.current_time() < self._search_due:
            return None
        value = await _call(client, "search_latest")
        search = None if value is None else from_json(SearchStatus, value)
        is_settled = search is None or search.is_checked
        self._search_due = trio.current_time() + (SLOW_POLL_S if is_settled else self._poll_s())
        return search

    async def _peers(self, client: AsyncControlClient, cid: str | None) -> tuple[PeerStatus, ...]:
        try:
            return await _decoded(PeerStatus, await _call(client, "peers", **({} if cid is None else {"target": cid})))
        except NotFoundError:
            return ()


def _moving(rows: tuple[ItemStatus, ...]) -> frozenset[str]:
    """The CIDs of the rows that the node tells with `moving`, but for those that have just begun to."""
    return frozenset(row.cid for row in rows if row.peers_connected or row.state in UNDER_WAY)


async def _call(client: AsyncControlClient, method: str, **params: object) -> object:
    return await client.call(method, params, timeout_s=ANSWER_S)


async def _decoded(kind: type[T], value: object) -> tuple[T, ...]:
    if not isinstance(value, list):
        raise ValueError("the node's answer isn't understood; it is another version of shoal")
    rows: list[Any] = value
    if len(rows) > LONG_LIST:
        return await trio.to_thread.run_sync(lambda: tuple(from_json(kind, row) for row in rows))
    return tuple(from_json(kind, row) for row in rows)


def _lines(value: object) -> tuple[str, ...]:
    lines = value.get("lines") if isinstance(value, dict) else None
    return tuple(map(str, lines)) if isinstance(lines, list) else ()
