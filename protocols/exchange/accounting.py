"""The books of one side: what it has asked for and not been answered yet.

Rules: both sides of a conversation keep both books by the same code, so that what one calls legal the other does
too. A broken rule is a ProtocolError; `Connection` says whose it was. Every book is bounded by the limits of
`limits.py`, whatever the peer does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from operator import attrgetter

from protocols.errors import ProtocolError
from protocols.exchange import limits
from protocols.exchange.messages import Cancel, Data, GetMeta, Meta, Reject, RejectMeta, RejectReason, Request


class LateCancel(ProtocolError):
    """A CANCEL of a request that has ended: legal from a peer, whom the end may not have reached; news to nobody."""


@dataclass(slots=True)
class _Unanswered:
    """A request that has not ended."""

    offset: int
    length: int
    done: int = 0  # bytes of it that were sent
    cancelled: bool = False

    @property
    def end(self) -> int:
        return self.offset + self.length


_OFFSET = attrgetter("offset")


class RequestBook:
    """The unanswered requests of one side.

    Each request ends exactly once: with the last byte of its data, or with REJECT. Unanswered requests of one side
    never overlap, so that every byte of data belongs to one of them at most.
    """

    def __init__(self) -> None:
        self._by_chunk: dict[int, list[_Unanswered]] = {}  # sorted by offset
        self._count = 0
        self._outstanding_bytes = 0
        self._late_cancels = 0  # CANCELs that may still come for requests that have ended

    @property
    def outstanding_bytes(self) -> int:
        """The bytes of the unanswered requests: each counts whole until it has ended."""
        return self._outstanding_bytes

    def is_unanswered(self, chunk: int, offset: int, length: int) -> bool:
        """Whether exactly this request was made and has not ended."""
        return self._find(chunk, offset, length) is not None

    def ask(self, request: Request, limit: int) -> None:
        """A REQUEST was sent to a side that accepts `limit` unanswered bytes."""
        if self._count == limits.MAX_REQUESTS:
            raise ProtocolError(f"REQUEST beyond the {limits.MAX_REQUESTS} that may be unanswered")
        if self._outstanding_bytes + request.length > limit:
            raise ProtocolError(
                f"REQUEST of {request.length} bytes beyond the {limit} that may be unanswered, "
                f"of which {self._outstanding_bytes} are"
            )
        in_chunk = self._by_chunk.setdefault(request.chunk, [])
        place = bisect_right(in_chunk, request.offset, key=_OFFSET)
        behind = in_chunk[place - 1].end if place else 0
        ahead = in_chunk[place].offset if place < len(in_chunk) else request.offset + request.length
        if behind > request.offset or ahead < request.offset + request.length:
            raise ProtocolError(f"REQUEST of chunk {request.chunk} at {request.offset} overlaps an unanswered one")
        in_chunk.insert(place, _Unanswered(request.offset, request.length))
        self._count += 1
        self._outstanding_bytes += request.length

    def deliver(self, data: Data) -> None:
        """A DATA was sent: it must be the next bytes of one unanswered request, and ends it if it has its last."""
        request = self._around(data.chunk, data.offset)
        if request is None or request.offset + request.done != data.offset:
            raise ProtocolError(
                f"DATA of chunk {data.chunk} at {data.offset} is not the next of any unanswered request"
            )
        left = request.length - request.done
        if len(data.data) > left:
            raise ProtocolError(
                f"DATA of chunk {data.chunk} at {data.offset} has {len(data.data)} bytes of {left} left"
            )
        if len(data.data) < min(left, limits.MIN_DATA):
            raise ProtocolError(
                f"DATA of {len(data.data)} bytes, less than {limits.MIN_DATA}, before its request's end"
            )
        request.done += len(data.data)
        if request.done == request.length:
            self._end(data.chunk, request)

    def cancel(self, cancel: Cancel) -> None:
        """A CANCEL was sent; LateCancel if its request may have ended while it was on its way."""
        request = self._find(cancel.chunk, cancel.offset, cancel.length)
        if request is None:
            if not self._late_cancels:
                raise ProtocolError(f"CANCEL of chunk {cancel.chunk} at {cancel.offset}, which was not requested")
            self._late_cancels -= 1
            raise LateCancel(f"CANCEL of chunk {cancel.chunk} at {cancel.offset}, which has ended")
        if request.cancelled:
            raise ProtocolError(f"second CANCEL of chunk {cancel.chunk} at {cancel.offset}")
        request.cancelled = True

    def reject(self, reject: Reject) -> None:
        """A REJECT was sent: it ends an unanswered request, also after a part of its data."""
        request = self._find(reject.chunk, reject.offset, reject.length)
        if request is None:
            raise ProtocolError(
                f"REJECT of chunk {reject.chunk} at {reject.offset}, which is not an unanswered request"
            )
        if reject.reason is RejectReason.CANCELLED and not request.cancelled:
            raise ProtocolError(f"REJECT of chunk {reject.chunk} at {reject.offset} as cancelled, which it was not")
        self._end(reject.chunk, request)

    def _around(self, chunk: int, offset: int) -> _Unanswered | None:
        """The unanswered request whose range has this byte."""
        in_chunk = self._by_chunk.get(chunk, [])
        place = bisect_right(in_chunk, offset, key=_OFFSET)
        if not place or in_chunk[place - 1].end <= offset:
            return None
        return in_chunk[place - 1]

    def _find(self, chunk: int, offset: int, length: int) -> _Unanswered | None:
        request = self._around(chunk, offset)
        return request if request and (request.offset, request.length) == (offset, length) else None

    def _end(self, chunk: int, request: _Unanswered) -> None:
        in_chunk = self._by_chunk[chunk]
        del in_chunk[bisect_right(in_chunk, request.offset, key=_OFFSET) - 1]
        if not in_chunk:
            del self._by_chunk[chunk]
        self._count -= 1
        self._outstanding_bytes -= request.length
        if not request.cancelled:
            # A CANCEL for it may be on its way. A side has no more of those than requests it believes unanswered, so
            # counting them up to that many refuses none that is fair and keeps no list of the dead.
            self._late_cancels = min(self._late_cancels + 1, limits.MAX_REQUESTS)


class MetaBook:
    """The unanswered GET_METAs of one side: each is answered by META or REJECT_META, in the order they were sent."""

    def __init__(self, max_manifest_size: int, max_page_size: int) -> None:
        self._max_manifest_size = max_manifest_size
        self._max_page_size = max_page_size
        self._asked: deque[GetMeta] = deque()
        # The size of every part answered so far: one number for each block of a manifest that one of us has.
        self._totals: dict[int, int] = {}

    @property
    def count(self) -> int:
        """How many GET_METAs have not been answered."""
        return len(self._asked)

    def ask(self, get_meta: GetMeta) -> None:
        """A GET_META was sent."""
        if len(self._asked) == limits.MAX_META_REQUESTS:
            raise ProtocolError(f"GET_META beyond the {limits.MAX_META_REQUESTS} that may be unanswered")
        self._asked.append(get_meta)

    def answer(self, meta: Meta) -> None:
        """A META was sent: it must be for the oldest GET_META, of a size that is possible and the same as before."""
        asked = self._oldest(meta)
        if (meta.part, meta.offset) != (asked.part, asked.offset):
            raise ProtocolError(
                f"META of part {meta.part} at {meta.offset} where part {asked.part} at {asked.offset} is due"
            )
        most = self._max_page_size if meta.part else self._max_manifest_size
        if meta.total > most:
            raise ProtocolError(f"META of part {meta.part} claims {meta.total} bytes, more than {most}")
        before = self._totals.setdefault(meta.part, meta.total)
        if meta.total != before:
            raise ProtocolError(f"META of part {meta.part} claims {meta.total} bytes, and claimed {before} before")

    def reject(self, reject: RejectMeta) -> None:
        """A REJECT_META was sent: it must be for the oldest GET_META."""
        asked = self._oldest(reject)
        if reject.part != asked.part:
            raise ProtocolError(f"REJECT_META of part {reject.part} where part {asked.part} is due")

    def _oldest(self, answer: Meta | RejectMeta) -> GetMeta:
        if not self._asked:
            raise ProtocolError(f"{answer.TYPE.name} of part {answer.part}, which was not asked for")
        return self._asked.popleft()
