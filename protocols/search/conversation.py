"""The two ends of one search: bytes in, messages out, and the other way round. Sans-io.

Rules: one query a stream, and one answer. An asker believes nothing of a hit but that somebody sent it: what doesn't
match the query is a stray and is dropped, and who sends more of these than MAX_STRAYS breaks the protocol.

    asking = Asking(Query("linux"))
    write(asking.question())                        # then the end of this direction
    for hit in asking.receive_data(read()): …       # until `asking.outcome` is there

    query = Answering().receive_data(read())        # None until it is whole
    for frame in answer(hits, Outcome.COMPLETE): write(frame)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from protocols.cid import Cid
from protocols.errors import RemoteProtocolError
from protocols.framing import Buffer, FrameDecoder, encode_frame
from protocols.search import limits
from protocols.search.codec import decode_answer, decode_query, encode
from protocols.search.messages import End, Hit, Hits, Outcome, Query
from protocols.search.tokens import matches, tokens_of_name

HITS_PER_FRAME: Final = 10
"""So that the first are on their way while the rest is being written; at most 10 KB."""


class Asking:
    """The side that wants to know."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.outcome: Outcome | None = None  # set by the answer's last message
        self._tokens = query.tokens
        self._frames = FrameDecoder(limits.MAX_FRAME)
        self._received = 0
        self._seen: set[tuple[Cid, str]] = set()
        self._strays = 0

    def question(self) -> bytes:
        """What to write."""
        return encode_frame(encode(self.query))

    def receive_data(self, data: Buffer) -> list[Hit]:
        """The hits that these bytes complete and that match; raises RemoteProtocolError."""
        self._received += len(data)
        if self._received > limits.MAX_ANSWER:
            raise RemoteProtocolError(f"an answer of more than {limits.MAX_ANSWER} bytes")
        hits: list[Hit] = []
        for payload in self._frames.feed(data):
            if self.outcome is not None:
                raise RemoteProtocolError("an answer goes on after its end")
            message = decode_answer(bytes(payload))
            if isinstance(message, End):
                self.outcome = message.outcome
            else:
                hits += filter(self._take, message.hits)
        return hits

    def receive_eof(self) -> None:
        """The peer ended its direction: RemoteProtocolError unless the answer was whole."""
        if self.outcome is None:
            raise RemoteProtocolError("an answer breaks off before its end")

    def _take(self, hit: Hit) -> bool:
        """Whether a hit is new and answers the query."""
        if (hit.cid, hit.name) in self._seen:
            raise RemoteProtocolError("an answer has a hit twice")
        self._seen.add((hit.cid, hit.name))
        if len(self._seen) > self.query.limit:
            raise RemoteProtocolError(f"more hits than the {self.query.limit} that were asked for")
        if matches(tokens_of_name(hit.name), self._tokens):
            return True
        self._strays += 1
        if self._strays > limits.MAX_STRAYS:
            raise RemoteProtocolError(f"more than {limits.MAX_STRAYS} hits that have nothing to do with the query")
        return False


class Answering:
    """The side that was asked, until it knows what."""

    def __init__(self) -> None:
        self._frames = FrameDecoder(limits.MAX_FRAME)

    def receive_data(self, data: Buffer) -> Query | None:
        """The query once it is whole; raises RemoteProtocolError."""
        payload = next(self._frames.feed(data), None)
        return None if payload is None else decode_query(bytes(payload))


def answer(hits: Sequence[Hit], outcome: Outcome) -> Iterator[bytes]:
    """The frames of an answer, in order; `hits` are at most as many as were asked for."""
    for start in range(0, len(hits), HITS_PER_FRAME):
        yield encode_frame(encode(Hits(tuple(hits[start : start + HITS_PER_FRAME]))))
    yield encode_frame(encode(End(outcome)))
