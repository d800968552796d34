"""The client's end of the control socket for the dashboard: asynchronous, one call at a time.

Rules: as for `client`, whose sentences these are too; a long answer is parsed in a thread, so that a key is never kept
waiting by two thousand rows. Cancelling a call breaks the connection, because its answer may be on its way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import trio

from node.control.address import socket_address
from node.control.client import CONNECT_TIMEOUT_S, RECEIVE_SIZE, failure_error, why_no_connection
from node.control.wire import (
    MAX_ANSWER,
    Answer,
    Failure,
    LineDecoder,
    Request,
    Success,
    WireError,
    encode,
    parse_answer,
)
from node.errors import NoNodeError

LONG_LINE = 1 << 16
"""Bytes of an answer that are parsed on the loop: about 1 ms."""


class AsyncControlClient:
    """A connection to a node."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._decoder = LineDecoder(MAX_ANSWER)
        self._lines: list[bytes | None] = []
        self._last_id = 0

    async def call(
        self, method: str, params: dict[str, object] | None = None, *, timeout_s: float | None = None
    ) -> object:
        """The result of `method`; raises the `ShoalError` of its failure, and `NoNodeError` if the node is gone.

        `timeout_s` is how long the answer may take; None means for ever.
        """
        self._last_id += 1
        request = Request(self._last_id, method, params or {})
        with trio.move_on_after(float("inf") if timeout_s is None else timeout_s):
            try:
                await self._stream.send_all(encode(request))
                return await self._result(request.id)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise NoNodeError("the node went away") from error
            except WireError as error:
                raise NoNodeError(f"{error}; is it another version of shoal?") from error
        raise NoNodeError(f"the node gave no answer within {timeout_s:g} s")

    async def _result(self, request_id: int | str) -> object:
        while True:
            match await self._receive():
                case Success(id=answered, result=result) if answered == request_id:
                    return result
                case Failure(id=answered) as failure if answered in (request_id, None):
                    raise failure_error(failure)

    async def _receive(self) -> Answer:
        while not self._lines:
            data = await self._stream.receive_some(RECEIVE_SIZE)
            if not data:
                raise NoNodeError("the node went away")
            self._lines = self._decoder.feed(bytes(data))
        line = self._lines.pop(0)
        if line is not None and len(line) > LONG_LINE:
            return await trio.to_thread.run_sync(parse_answer, line)
        return parse_answer(line)


Dial = Callable[[], AbstractAsyncContextManager[AsyncControlClient]]
"""Opens a connection to one node; raises `NoNodeError`."""


@asynccontextmanager
async def open_client(path: Path, *, start_command: str = "shoal daemon") -> AsyncIterator[AsyncControlClient]:
    """A connection to the control socket at `path`; raises `NoNodeError` that says how to start a node."""
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S), socket_address(path) as address:
            stream = await trio.open_unix_socket(address)
    except (OSError, trio.TooSlowError) as error:
        reason = error if isinstance(error, OSError) else TimeoutError()
        raise NoNodeError(why_no_connection(reason, path, start_command)) from error
    async with stream:
        yield AsyncControlClient(stream)
