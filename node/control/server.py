"""The node's end of the control socket: clients in, handlers called, answers and progress out.

Rules: nothing a client does or leaves undone holds up the node or another client. A client that doesn't read fills
its own `Outbox` and then isn't read from either; one that hangs up takes its handlers with it; a handler that fails
costs one answer. Decisions about bytes are `wire`'s, and about methods the handlers'.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import trio

from node.control.address import socket_address
from node.control.lock import FolderLock
from node.control.outbox import Outbox
from node.control.wire import (
    MAX_ANSWER,
    MAX_REQUEST,
    Answer,
    ErrorCode,
    Failure,
    LineDecoder,
    Request,
    Success,
    encode,
    encode_rows,
    parse_request,
)
from node.errors import ShoalError, StorageError, UsageError

log = logging.getLogger(__name__)

MAX_CLIENTS = 64
"""Connections at once. A person has a dashboard and a few commands; 64 leaves room for scripts and, at a line and an
outbox each, bounds what they all can hold."""

MAX_CALLS = 16
"""Calls at once for one client: a dashboard has a handful in flight, a command one."""

LONG_RESULT = 100
"""Results with more rows than this are encoded in a thread: 100 rows take about 1 ms."""

T = TypeVar("T")


class Call:
    """One request on its way, as its handler sees it."""

    def __init__(self, request: Request, outbox: Outbox) -> None:
        self.method = request.method
        self.params = request.params
        self.then: Callable[[], None] | None = None  # to be called once the answer has been written
        self._id = request.id
        self._outbox = outbox

    def param(self, name: str, kind: type[T], default: T | None = None) -> T:
        """The parameter, which has to be of `kind`; `default` if it is missing; else raises `UsageError`."""
        value = self.params.get(name)
        if value is None and default is not None:
            return default
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise UsageError(f"{self.method} takes {name} as {_KIND_WORDS.get(kind, kind.__name__)}")
        return value

    async def progress(self, value: dict[str, object]) -> None:
        """Tell the client how far this is. Never waits for the client: what it hasn't read yet is replaced."""
        self._outbox.put_progress(self._id, value)
        await trio.lowlevel.checkpoint()


_KIND_WORDS: dict[type, str] = {str: "text", int: "an integer", float: "a number", bool: "true or false"}

Handler = Callable[[Call], Awaitable[object]]


class ControlServer:
    """Answers the clients of one data folder's socket with `handlers`, by method name."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler], *, lock: FolderLock) -> None:
        """`lock` is the proof that a socket left at `path` belongs to no living node and may be removed."""
        if lock.path.parent != path.parent:
            raise ValueError("the lock is another data folder's")
        self._path = path
        self._handlers = dict(handlers)
        self._clients = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled, then remove the socket; started once clients can connect."""
        listener = await _listen(self._path)
        try:
            task_status.started()
            await trio.serve_listeners(self.serve, [listener])
        finally:
            self._path.unlink(missing_ok=True)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Answer one client until it hangs up, over whatever leads to it."""
        self._clients += 1
        try:
            async with stream:
                if self._clients > MAX_CLIENTS:
                    await stream.send_all(encode(Failure(None, ErrorCode.BUSY, "the node has too many clients")))
                else:
                    await _Session(stream, self._handlers).run()
        except trio.BrokenResourceError:
            pass  # the client went away, which is how most connections end
        except Exception:  # the border: whatever one client sets off, the others are still served
            log.exception("a control connection failed")
        finally:
            self._clients -= 1


class _Session:
    """One client: reads its requests, runs at most `MAX_CALLS` of them at once, writes what is in the outbox."""

    def __init__(self, stream: trio.abc.Stream, handlers: Mapping[str, Handler]) -> None:
        self._stream = stream
        self._handlers = handlers
        self._outbox = Outbox()
        self._active: set[int | str] = set()
        self._then: list[Callable[[], None]] = []

    async def run(self) -> None:
        """Until the client hangs up: the end of its stream cancels what it asked for."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                await self._read(nursery)
                nursery.cancel_scope.cancel()
        except* trio.BrokenResourceError:
            pass
        finally:
            self._run_then()  # what was to follow an answer follows also when nobody waited for that

    async def _read(self, nursery: trio.Nursery) -> None:
        decoder = LineDecoder(MAX_REQUEST)
        while data := await self._stream.receive_some():
            for line in decoder.feed(bytes(data)):
                match parse_request(line):
                    case Failure() as failure:
                        await self._outbox.put(encode(failure))
                    case Request() as request if (refusal := self._refusal(request)) is not None:
                        await self._outbox.put(encode(refusal))
                    case Request() as request:
                        self._active.add(request.id)
                        nursery.start_soon(self._answer, request)

    def _refusal(self, request: Request) -> Failure | None:
        if request.id in self._active:
            return Failure(request.id, ErrorCode.INVALID_REQUEST, "another call of yours has this id")
        if len(self._active) >= MAX_CALLS:
            return Failure(request.id, ErrorCode.BUSY, f"more than {MAX_CALLS} calls at once")
        if request.method not in self._handlers:
            return Failure(request.id, ErrorCode.UNKNOWN_METHOD, f"this node has no method {request.method[:40]!r}")
        return None

    async def _answer(self, request: Request) -> None:
        """Run the handler; its call counts until the answer is in the outbox, so that answers can't pile up either."""
        try:
            call = Call(request, self._outbox)
            answer = await _handle(self._handlers[request.method], call, request.id)
            await self._outbox.put(await _encode(answer, request))
            if call.then:
                self._then.append(call.then)
        finally:
            self._active.discard(request.id)

    async def _write(self) -> None:
        while True:
            await self._stream.send_all(await self._outbox.take())
            if self._outbox.is_empty:
                self._run_then()

    def _run_then(self) -> None:
        while self._then:
            self._then.pop()()


async def _handle(handler: Handler, call: Call, request_id: int | str) -> Answer:
    try:
        return Success(request_id, await handler(call))
    except Exception as error:  # the border: a handler's bug costs one answer, not the node
        expected = _shoal_error(error)
        if expected is not None:
            return Failure(request_id, expected.code, str(expected))
        log.exception("the handler of %s failed", call.method)
        return Failure(request_id, ErrorCode.INTERNAL, "the node failed inside; its log says where")


def _shoal_error(error: BaseException) -> ShoalError | None:
    """The one `ShoalError` that this is, also where nurseries wrapped it on its way."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error if isinstance(error, ShoalError) else None


async def _encode(answer: Answer, request: Request) -> bytes:
    try:
        if isinstance(answer, Success) and isinstance(answer.result, list) and len(answer.result) > LONG_RESULT:
            line = await trio.to_thread.run_sync(encode_rows, answer, answer.result)
        else:
            line = encode(answer)
        if len(line) <= MAX_ANSWER:
            return line
        log.error("the answer of %s is %d bytes long", request.method, len(line))
    except (TypeError, ValueError, RecursionError):
        log.exception("the answer of %s isn't JSON", request.method)
    return encode(Failure(request.id, ErrorCode.INTERNAL, "the node has an answer but can't send it"))


async def _listen(path: Path) -> trio.SocketListener:
    """A listening socket at `path` that only its owner may use; raises `StorageError` if there can't be one."""
    sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        with socket_address(path) as address:
            await sock.bind(address)
        os.chmod(path, 0o600)  # before listen(): until then nobody can connect, so there is no moment of laxity
        sock.listen(MAX_CLIENTS)
    except OSError as error:
        sock.close()
        raise StorageError(f"cannot make the control socket {path}: {error.strerror}") from error
    return trio.SocketListener(sock)


def _remove_stale(path: Path) -> None:
    """Remove the socket that a killed node left; anything else at `path` isn't ours to remove."""
    try:
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
