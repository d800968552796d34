"""A control server on a socket of its own, and a client that speaks raw bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import trio

from node.control.lock import hold_folder
from node.control.server import ControlServer, Handler

Serve = Callable[[Mapping[str, Handler]], AbstractAsyncContextManager[Path]]


class RawClient:
    """One connection that writes any bytes and reads answers as JSON."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._buffer = bytearray()

    async def send(self, *requests: object) -> None:
        for request in requests:
            await self.stream.send_all(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")

    async def call(self, method: str, request_id: int = 1, **params: object) -> None:
        await self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})

    async def read(self) -> dict:
        with trio.fail_after(60):
            while b"\n" not in self._buffer:
                data = await self.stream.receive_some()
                if not data:
                    raise EOFError
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @asynccontextmanager
    async def run(handlers: Mapping[str, Handler]) -> AsyncIterator[Path]:
        path = tmp_path / "control.sock"
        with hold_folder(tmp_path / "lock") as lock:
            async with trio.open_nursery() as nursery:
                await nursery.start(ControlServer(path, handlers, lock=lock).run)
                yield path
                nursery.cancel_scope.cancel()

    return run


@pytest.fixture
def connect() -> Callable[[Path], AbstractAsyncContextManager[RawClient]]:
    @asynccontextmanager
    async def run(path: Path) -> AsyncIterator[RawClient]:
        async with await trio.open_unix_socket(path) as stream:
            yield RawClient(stream)

    return run
