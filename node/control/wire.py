"""The control socket's messages: newline-delimited JSON-RPC 2.0, bytes <-> values, pure.

Rules: every parser here is total. Any bytes from a client become requests or the `Failure` to answer with, and
memory is bounded by the line limit; nothing here reads, waits or knows a method.

What of JSON-RPC 2.0 is spoken: a client sends requests (never batches or notifications: there is nothing worth
doing here without an answer), the node sends one answer for each and, before it, any number of notifications
`{"method": "progress", "params": {"id": <the request's>, "value": {…}}}` (the shape of LSP's `$/progress`).
A request may carry `"api": 1`; another number is refused, so that an old client learns why it isn't understood.
Everything is sent as ASCII: a file name that isn't valid UTF-8 survives as an escaped lone surrogate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import NoReturn, TypeGuard

API_VERSION = 1

MAX_REQUEST = 1 << 20
"""Longest line a node takes, in bytes. The longest honest request is a `share` with a path (4 KiB on Linux, six
times that when every byte is escaped) or a `get` with a link full of hints; 1 MiB is far above and, times
`server.MAX_CLIENTS`, still harmless."""

MAX_ANSWER = 64 << 20
"""Longest line a client takes, in bytes. The node is its owner's and trusted more: `list` with the 65,536 shares
that a catalogue may hold, at 1 KiB each, still fits."""

MAX_ID_LENGTH = 64
"""Longest text id: the id is repeated in every progress line, so a client doesn't choose its size freely."""

_ID_RANGE = range(-(1 << 53), (1 << 53) + 1)  # the integers that every JSON implementation keeps exact

Id = int | str


class ErrorCode(IntEnum):
    """JSON-RPC's own error codes; a positive code is the exit code of a failed command (`node.errors`)."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    UNKNOWN_METHOD = -32601
    INTERNAL = -32603
    BUSY = -32000
    WRONG_API = -32001


@dataclass(frozen=True, slots=True)
class Request:
    """A client asks for `method` to be done."""

    id: Id
    method: str
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class Success:
    """The answer of a request that was done; `result` is any JSON value."""

    id: Id
    result: object


@dataclass(frozen=True, slots=True)
class Failure:
    """The answer of a request that wasn't; `id` is None when the request was too broken to have one."""

    id: Id | None
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is, sent before its answer."""

    id: Id
    value: dict[str, object]


Answer = Success | Failure | Progress
Message = Request | Answer


class WireError(ValueError):
    """A line of the node makes no sense to the client."""


class LineDecoder:
    """Cuts a stream into lines of at most `limit` bytes, holding no more than that.

    A longer line is reported once, as None, and skipped up to its newline: the stream stays usable.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """The lines that `data` completes, without their newline; None for one that is too long."""
        lines: list[bytes | None] = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            lines.extend(self._take(end))
            if not self._skipping:
                lines.append(bytes(self._partial))
            self._partial.clear()
            self._skipping = False
        lines.extend(self._take(rest))
        return lines

    def _take(self, data: bytes) -> list[None]:
        """Add `data` to the line at hand; reports the line the moment it grows too long."""
        if self._skipping or len(self._partial) + len(data) <= self._limit:
            if not self._skipping:
                self._partial += data
            return []
        self._partial.clear()
        self._skipping = True
        return [None]


def parse_request(line: bytes | None) -> Request | Failure:
    """One line from a client, or None for an over-long one: the request, or the answer that it deserves."""
    if line is None:
        return Failure(None, ErrorCode.INVALID_REQUEST, f"a request is longer than {MAX_REQUEST} bytes")
    try:
        value = _load(line)
    except WireError as error:
        return Failure(None, ErrorCode.PARSE, str(error))
    if not isinstance(value, dict):
        return Failure(None, ErrorCode.INVALID_REQUEST, "a request is one JSON object")
    request_id = value.get("id")
    if not _is_id(request_id):
        return Failure(None, ErrorCode.INVALID_REQUEST, "a request has an id: an integer or a short text")
    method, params = value.get("method"), value.get("params", {})
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        sentence = 'a request has "jsonrpc": "2.0", a method name and, if any, params as an object'
        return Failure(request_id, ErrorCode.INVALID_REQUEST, sentence)
    if value.get("api", API_VERSION) != API_VERSION:
        sentence = f"this node speaks version {API_VERSION} of the control API; restart the older of node and client"
        return Failure(request_id, ErrorCode.WRONG_API, sentence)
    return Request(request_id, method, params)


def parse_answer(line: bytes | None) -> Answer:
    """One line from the node; raises `WireError` if it is none of the three answers."""
    value = _load(line) if line is not None else None
    match value:
        case {"method": "progress", "params": {"id": request_id, "value": dict(progress)}} if _is_id(request_id):
            return Progress(request_id, progress)
        case {"id": request_id, "error": {"code": int(code), "message": str(message)}}:
            return Failure(request_id if _is_id(request_id) else None, code, message)
        case {"id": request_id, "result": result} if _is_id(request_id):
            return Success(request_id, result)
    raise WireError("the node's answer isn't understood")


def encode(message: Message) -> bytes:
    """The message as one line with its newline; raises `ValueError` or `TypeError` if a value isn't JSON."""
    members: dict[str, object]
    match message:
        case Request(request_id, method, params):
            members = {"api": API_VERSION, "id": request_id, "method": method, "params": params}
        case Success(request_id, result):
            members = {"id": request_id, "result": result}
        case Failure(failed_id, code, sentence):
            members = {"id": failed_id, "error": {"code": int(code), "message": sentence}}
        case Progress(request_id, value):
            members = {"method": "progress", "params": {"id": request_id, "value": value}}
    return json.dumps({"jsonrpc": "2.0", **members}, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def encode_rows(answer: Success, rows: list[object]) -> bytes:
    """The answer whose result is `rows`, as `encode` has it but a row at a time, for a thread.

    The encoder of a whole list keeps the interpreter to itself until it is done, and every other thread waits.
    """
    head = encode(Success(answer.id, None)).removesuffix(b"null}\n")
    lines = (json.dumps(row, allow_nan=False, separators=(",", ":")) for row in rows)
    return head + b"[" + ",".join(lines).encode("ascii") + b"]}\n"


def _is_id(value: object) -> TypeGuard[Id]:
    """Whether JSON-RPC's id may be this here: fractions and null are refused, as the standard advises."""
    if isinstance(value, str):
        return len(value) <= MAX_ID_LENGTH
    return isinstance(value, int) and not isinstance(value, bool) and value in _ID_RANGE


def _load(line: bytes) -> object:
    """Strict JSON in UTF-8; every way to fail is a `WireError`, also too deep a nesting and too long a number."""
    try:
        return json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise WireError("a line isn't JSON") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and the infinities are Python's, not JSON's
