"""Blocking work beside the loop: hashing, disk and sqlite run in worker threads, and can be told to stop.

Rules: a thread is never abandoned while it may write; a long job gets a `Watch`, so that a cancel ends it within one
buffer's worth of work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import trio
from outcome import capture

from node.errors import ShoalError
from node.store.watch import Watch

T = TypeVar("T")

LIMIT = trio.CapacityLimiter(8)
"""Short jobs at once, most of them a database read: more would only wait for the same disk."""


async def in_thread(work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 - passed on as they are
    """Do a short job, up to some hundred milliseconds, in a thread; a cancel waits for it."""
    return await trio.to_thread.run_sync(work, *arguments, limiter=LIMIT)


async def stoppable(work: Callable[..., T], *arguments: Any, progress: Callable[[int], None]) -> T:  # noqa: ANN401
    """Do a long job in a thread, as `work(*arguments, watch)`; a cancel tells it to stop and waits until it has."""
    stop = threading.Event()
    job = partial(work, *arguments, Watch(progress, stop.is_set))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_set_when_cancelled, stop)
        result = await trio.to_thread.run_sync(capture, job, limiter=trio.CapacityLimiter(1))
        nursery.cancel_scope.cancel()
    await trio.lowlevel.checkpoint_if_cancelled()  # rather than what the job says of having been stopped
    return result.unwrap()


async def _set_when_cancelled(stop: threading.Event) -> None:
    try:
        await trio.sleep_forever()
    finally:
        stop.set()


def single(group: BaseExceptionGroup[ShoalError]) -> ShoalError:
    """The one error that a nursery wrapped on its way up."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ShoalError)
    return error
