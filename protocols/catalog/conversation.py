"""One stream of the catalogue protocol: bytes in, messages out, and the other way round. Sans-io.

Source: SPEC.md, section 5.

Rules: the side that opened the stream asks and tells, the other one answers, each request in its turn; there is no
greeting and no goodbye, since every answer says where it ends. A driver moves the bytes.

    asking = Asking()                            answering = Answering()
    write(asking.send(Ask(64, 20)))              for request in answering.receive_data(read()):
    for answer in asking.receive_data(read()):       write(answering.send(Tell(...)))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from protocols.catalog import limits
from protocols.catalog.codec import decode, encode
from protocols.catalog.messages import Ask, GetPage, Message, NoPage, Page, Tell
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import Buffer, FrameDecoder

Request = Ask | GetPage
Answer = Tell | Page | NoPage

_ANSWERS: Final[dict[type[Request], tuple[type[Answer], ...]]] = {Ask: (Tell,), GetPage: (Page, NoPage)}


class Asking:
    """The side that opened the stream."""

    def __init__(self) -> None:
        self._frames = FrameDecoder(limits.MAX_PAYLOAD)
        self._owed: deque[Request] = deque()
        self._news = 0

    @property
    def owed(self) -> int:
        """How many requests are not answered yet."""
        return len(self._owed)

    def send(self, message: Request | Tell) -> bytes:
        """The bytes to write for a message; LocalProtocolError if it is one too many."""
        if isinstance(message, Tell):
            self._news += 1
            if self._news > limits.MAX_NEWS:
                raise LocalProtocolError(f"more than {limits.MAX_NEWS} TELLs that nobody asked for")
        else:
            if len(self._owed) == limits.MAX_OUTSTANDING:
                raise LocalProtocolError(f"more than {limits.MAX_OUTSTANDING} requests at once")
            self._owed.append(message)
        return encode(message)

    def receive_data(self, data: Buffer) -> list[Answer]:
        """The answers that these bytes complete, in the order of the requests; RemoteProtocolError if one isn't one.

        A PAGE is the block that was asked for: this is checked here.
        """
        return [self._checked(message) for message in _messages(self._frames, data)]

    def receive_eof(self) -> None:
        """The peer closed its direction: RemoteProtocolError unless it has answered everything."""
        if self._owed or self._frames.held:
            raise RemoteProtocolError(f"the stream ended with {len(self._owed)} requests unanswered")

    def _checked(self, message: Message) -> Answer:
        request = self._owed.popleft() if self._owed else None
        if request is None or not isinstance(message, _ANSWERS[type(request)]):
            raise RemoteProtocolError(f"{message.TYPE.name} answers nothing that was asked")
        if isinstance(request, Ask) and isinstance(message, Tell):
            if len(message.heads) > request.heads or len(message.peers) > request.peers:
                raise RemoteProtocolError("TELL has more in it than was asked for")
        elif isinstance(request, GetPage) and isinstance(message, Page) and not request.cid.names(message.data):
            raise RemoteProtocolError("PAGE is not the block that was asked for")
        return message


class Answering:
    """The side that accepted the stream."""

    def __init__(self) -> None:
        self._frames = FrameDecoder(limits.MAX_REQUEST)
        self._owed: deque[Request] = deque()
        self._news = 0

    def receive_data(self, data: Buffer) -> list[Request | Tell]:
        """The requests and news that these bytes complete; RemoteProtocolError if one is not for this side to hear."""
        return [self._checked(message) for message in _messages(self._frames, data)]

    def receive_eof(self) -> None:
        """The peer closed its direction: RemoteProtocolError in the middle of a message."""
        if self._frames.held:
            raise RemoteProtocolError("the stream ended in the middle of a message")

    def send(self, answer: Answer) -> bytes:
        """The bytes of the answer to the oldest request; LocalProtocolError if it isn't one."""
        request = self._owed.popleft() if self._owed else None
        if request is None or not isinstance(answer, _ANSWERS[type(request)]):
            raise LocalProtocolError(f"{answer.TYPE.name} answers nothing that was asked")
        return encode(answer)

    def _checked(self, message: Message) -> Request | Tell:
        if isinstance(message, Tell):
            self._news += 1
            if self._news > limits.MAX_NEWS:
                raise RemoteProtocolError(f"more than {limits.MAX_NEWS} TELLs that nobody asked for")
            return message
        if not isinstance(message, Ask | GetPage):
            raise RemoteProtocolError(f"{message.TYPE.name} from the side that asks")
        if len(self._owed) == limits.MAX_OUTSTANDING:
            raise RemoteProtocolError(f"more than {limits.MAX_OUTSTANDING} requests at once")
        self._owed.append(message)
        return message


def _messages(frames: FrameDecoder, data: Buffer) -> Iterator[Message]:
    for payload in frames.feed(data):
        message = decode(bytes(payload))
        if message is not None:
            yield message
