"""`shoal ui --in-process`: node and dashboard as one process that leaves nothing running behind.

Rules: the dashboard talks to the node in the same words as ever, only over a pair of connected sockets instead of the
one in the data folder. That one is served too, for typed commands and for `shoal` in other terminals. What ends one of
the two ends both. Loading the node takes a second, so that is done in a thread, behind the first frame.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import trio

from node.config import Config
from node.control.async_client import AsyncControlClient
from node.control.server import ControlServer
from node.errors import ExitCode, NoNodeError
from node.ui.settings import Ending

RunBeside = Callable[[Config, trio.Event, Callable[[ControlServer], None]], Awaitable[None]]


class NodeHere:
    """The node of this process as its dashboard sees it, which starts it by being shown and can't do so again."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._server: ControlServer | None = None
        self._nursery: trio.Nursery | None = None
        self._stop = trio.Event()
        self._ended = trio.Event()

    # --- what the dashboard's feed asks ---------------------------------------------------------------------------

    @property
    def is_starting(self) -> bool:
        """Whether it isn't ready yet."""
        return self._server is None and not self._ended.is_set()

    def start(self) -> None:
        """Nothing: it starts with the dashboard and ends with it."""

    def failure(self) -> str:
        """Nothing either: a node that fails here ends the dashboard, and is told of then."""
        return ""

    @asynccontextmanager
    async def dial(self) -> AsyncIterator[AsyncControlClient]:
        """A connection to it; raises `NoNodeError` while it starts."""
        if self._server is None or self._nursery is None:
            raise NoNodeError("the node is starting")
        ours, theirs = trio.socket.socketpair()
        self._nursery.start_soon(self._server.serve, trio.SocketStream(theirs))
        async with trio.SocketStream(ours) as stream:
            yield AsyncControlClient(stream)

    # --- both together --------------------------------------------------------------------------------------------

    async def beside(self, show: Callable[[], Awaitable[Ending]], leaving: Callable[[], None]) -> Ending:
        """Run the node while `show` goes on; `leaving` is called when that has ended and the node hasn't yet.

        Raises what makes the node fail, in groups.
        """
        ending = Ending(ExitCode.OK, has_stopped_node=True)
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            showing = trio.CancelScope()
            nursery.start_soon(self._run, showing)
            with showing:
                ending = await show()
            leaving()
            self._stop.set()
            await self._ended.wait()
            nursery.cancel_scope.cancel()
        return ending

    async def _run(self, showing: trio.CancelScope) -> None:
        app = await trio.to_thread.run_sync(importlib.import_module, "node.app")
        run_beside: RunBeside = app.run_beside
        if not self._stop.is_set():
            await run_beside(self._config, self._stop, self._started)
        self._server = None
        self._ended.set()
        showing.cancel()

    def _started(self, server: ControlServer) -> None:
        self._server = server
