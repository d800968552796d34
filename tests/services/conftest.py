"""Services in virtual time: the autojump clock sees no threads, so work meant for a thread is done in place."""

from __future__ import annotations

import pytest
import trio


@pytest.fixture(autouse=True)
def _no_threads_in_virtual_time(request, monkeypatch):
    if "autojump_clock" not in request.fixturenames:
        return

    async def run_sync(work, *arguments, limiter=None, abandon_on_cancel=False):
        await trio.lowlevel.checkpoint()
        return work(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)
