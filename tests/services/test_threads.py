"""Work beside the loop: it is stopped by a cancel, and never left running behind one."""

from __future__ import annotations

import threading

import pytest
import trio

from node.errors import StorageError
from node.services.threads import stoppable


async def test_a_cancel_stops_the_job_and_waits_for_its_end():
    started, ended = threading.Event(), threading.Event()

    def work(watch) -> None:
        started.set()
        try:
            while True:
                watch.advance(1)
        finally:
            ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: stoppable(work, progress=lambda done: None))
        await trio.to_thread.run_sync(started.wait)
        nursery.cancel_scope.cancel()
    assert ended.is_set()


async def test_a_jobs_error_and_result_come_out_as_they_are():
    def fail(path, watch) -> None:
        raise StorageError(f"no room for {path}")

    with pytest.raises(StorageError, match="no room for x"):
        await stoppable(fail, "x", progress=lambda done: None)
    assert await stoppable(lambda watch: 42, progress=lambda done: None) == 42
