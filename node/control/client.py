"""The client's end of the control socket, for the command line: synchronous, one call at a time.

Rules: the standard library only and nothing of the node, so that a command starts in a few milliseconds; every way
to fail is a `ShoalError` with a sentence for the person who gave the command.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from node.control.address import socket_address
from node.control.wire import (
    MAX_ANSWER,
    Answer,
    ErrorCode,
    Failure,
    LineDecoder,
    Progress,
    Request,
    Success,
    WireError,
    encode,
    parse_answer,
)
from node.errors import NoNodeError, ShoalError

RECEIVE_SIZE = 1 << 16

CONNECT_TIMEOUT_S = 10.0
"""A local connect takes microseconds; only a stopped node with a full backlog makes it wait."""

OnProgress = Callable[[dict[str, object]], None]


class ControlClient:
    """A connection to the node of one data folder; closing it cancels what the node still does for it."""

    def __init__(self, path: Path, *, start_command: str = "shoal daemon") -> None:
        """Connect to the control socket at `path`; raises `NoNodeError` that says how to start a node."""
        self._path = path
        self._decoder = LineDecoder(MAX_ANSWER)
        self._answers: list[Answer] = []
        self._last_id = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_TIMEOUT_S)
        try:
            with socket_address(path) as address:
                self._socket.connect(address)
        except OSError as error:
            self._socket.close()
            raise NoNodeError(why_no_connection(error, path, start_command)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def call(
        self,
        method: str,
        params: dict[str, object] | None = None,
        *,
        on_progress: OnProgress | None = None,
        timeout_s: float | None = None,
    ) -> object:
        """The result of `method`; raises the `ShoalError` of its failure.

        `on_progress` gets each progress value before that. `timeout_s` is how long the node may stay silent; None
        means for ever, for calls that take as long as a transfer does.
        """
        self._last_id += 1
        request_id = self._last_id
        self._socket.settimeout(timeout_s)
        self._send(Request(request_id, method, params or {}))
        while True:
            match self._receive(timeout_s):
                case Progress(id=answered, value=value) if answered == request_id and on_progress is not None:
                    on_progress(value)
                case Success(id=answered, result=result) if answered == request_id:
                    return result
                case Failure(id=answered) as failure if answered in (request_id, None):
                    raise failure_error(failure)

    def _send(self, request: Request) -> None:
        try:
            self._socket.sendall(encode(request))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the node hung up; what it said before that is still to be read
        except OSError as error:
            raise NoNodeError(f"cannot reach the node: {error.strerror}") from error

    def _receive(self, timeout_s: float | None) -> Answer:
        try:
            while not self._answers:
                data = self._socket.recv(RECEIVE_SIZE)
                if not data:
                    raise NoNodeError(f"the node went away before it answered; {_log_hint(self._path)}")
                self._answers = [parse_answer(line) for line in self._decoder.feed(data)]
        except TimeoutError as error:
            raise NoNodeError(f"the node gave no answer within {timeout_s:g} s; {_log_hint(self._path)}") from error
        except WireError as error:
            raise NoNodeError(f"{error}; is it another version of shoal? {_log_hint(self._path)}") from error
        except OSError as error:
            raise NoNodeError(f"lost the node: {error.strerror}; {_log_hint(self._path)}") from error
        return self._answers.pop(0)


def failure_error(failure: Failure) -> ShoalError:
    """The failure as the exception that has its exit code."""
    if failure.code in (ErrorCode.UNKNOWN_METHOD, ErrorCode.WRONG_API):
        return ShoalError(f"the running node is another version of shoal: {failure.message}")
    documented = [kind for kind in ShoalError.__subclasses__() if kind.__module__ == ShoalError.__module__]
    kinds: dict[int, type[ShoalError]] = {kind.code: kind for kind in documented}
    return kinds.get(failure.code, ShoalError)(failure.message)


def why_no_connection(error: OSError, path: Path, start_command: str) -> str:
    """The sentence for a socket that can't be connected to."""
    if isinstance(error, TimeoutError):
        return f"the node of {path.parent} takes no connections; {_log_hint(path)}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"the node of {path.parent} belongs to another user"
    return f"no node is running for {path.parent}; start one with: {start_command}"


def _log_hint(path: Path) -> str:
    return f"its log is {path.parent / 'shoal.log'}"
