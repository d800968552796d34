"""One conversation of the exchange protocol: bytes in, messages out, and the other way round. Sans-io.

Rules: nothing here waits, opens or sleeps, and nothing is decided about chunks: a driver moves the bytes, and
`node.swarm` decides what to say. What is legal when is in `state.py`, `accounting.py` and `rules.py`; this file only
feeds them, and says whose fault a broken rule is.

    connection = Connection(cid, request_limit=…, max_manifest_size=…, max_page_size=…)   # None for cid: we accepted
    write(connection.send(connection.hello("shoal/0.1.0")))
    for message in connection.receive_data(read()): …
    write(connection.send(Request(…)))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from protocols.cid import Cid
from protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocols.exchange import limits
from protocols.exchange.accounting import LateCancel, MetaBook
from protocols.exchange.codec import decode, encode
from protocols.exchange.messages import BitfieldMessage, Hello, Message, MessageType
from protocols.exchange.rules import Side, say, settle
from protocols.exchange.state import OVER, State, check_optional, part
from protocols.framing import Buffer, FrameDecoder
from protocols.geometry import Geometry

_NEED_GEOMETRY = frozenset({MessageType.BITFIELD, MessageType.HAVE})


class Connection:
    """Both sides of one conversation about one manifest, as one of them sees it.

    Give `cid` on the side that opened the stream; the side that accepted it learns the CID from the peer's HELLO.
    `request_limit` is what this side's HELLO promises: the bytes of unanswered requests it accepts. The two sizes are
    the most that a manifest block and a digest page may have.

    A rule broken by the peer raises RemoteProtocolError, and leaves only Bye to send; every later `receive_data`
    raises it again. Its subclass UnsupportedVersionError says that the peer is no culprit but too old. A rule broken
    here raises LocalProtocolError, and then so does every later call.
    """

    def __init__(self, cid: Cid | None, *, request_limit: int, max_manifest_size: int, max_page_size: int) -> None:
        self._cid = cid
        self._request_limit = request_limit
        self._local = Side(State.IDLE if cid else State.WAITING, MetaBook(max_manifest_size, max_page_size))
        self._remote = Side(State.WAITING if cid else State.IDLE, MetaBook(max_manifest_size, max_page_size))
        self._geometry: Geometry | None = None
        self._frames = FrameDecoder(limits.MAX_PAYLOAD)
        self._failure: ProtocolError | None = None

    def hello(self, agent: str = "") -> Hello:
        """The HELLO of this side; LocalProtocolError if the peer has to say first what it is about."""
        cid = self._cid or self._remote.cid
        if cid is None:
            raise LocalProtocolError("the side that accepted the stream greets after it has read the peer's HELLO")
        return Hello(limits.VERSION, cid, self._request_limit, agent)

    def send(self, message: Message) -> list[Buffer]:
        """The buffers to write for a message, in order; LocalProtocolError if it is not legal now.

        The message counts as sent from here on: write the buffers of all messages in the order of these calls. Bulk
        data is not copied: leave it unchanged until it is written. Once the peer has said BYE there are no buffers for
        anything but a Bye, and no error: it may still be among the messages that the caller has not got to.
        """
        self._raise_again(LocalProtocolError)
        if self._was_told_bye and message.TYPE is not MessageType.BYE:
            return []
        try:
            if self._geometry is None and message.TYPE is MessageType.BITFIELD:
                raise ProtocolError("BITFIELD before set_geometry")
            say(self._local, self._remote, message, self._geometry)
        except ProtocolError as error:
            self._blame_us(error)
        return encode(message)

    def receive_data(self, *pieces: Buffer) -> list[Message]:
        """The messages that these bytes complete, in order; RemoteProtocolError if one of them is not legal.

        Optional messages that are unknown here, CANCELs that came too late, and whatever follows our own BYE are
        left out; a BITFIELD and HAVEs that come before `set_geometry` are handed out by that. When it raises, what
        came before in the same bytes is lost with the session. The properties below tell how things stand after the
        last of the messages. On `Data.data` and its like see `Data`.
        """
        self._raise_again(ProtocolError)
        if self._remote.state is State.PARTING:
            return []
        messages = []
        try:
            for payload in self._frames.feed_pieces(pieces):
                message = self._hear(payload)
                if message is not None:
                    messages.append(message)
        except ProtocolError as error:
            self._blame_peer(error)
        return messages

    def receive_eof(self) -> None:
        """The peer closed its direction: RemoteProtocolError unless one of us has said BYE, for EOF proves nothing."""
        self._raise_again(ProtocolError)
        if self._remote.state not in OVER:
            self._blame_peer(ProtocolError("the stream ended without BYE"))

    def set_geometry(self, geometry: Geometry) -> list[Message]:
        """The manifest is known now: hands out the BITFIELD that came before, with the HAVEs since in it.

        To be called once, before our own BITFIELD. RemoteProtocolError if the peer's doesn't fit the manifest.
        """
        self._raise_again(ProtocolError)
        if self._geometry is not None:
            self._blame_us(ProtocolError("the geometry of a conversation doesn't change"))
        self._geometry = geometry
        try:
            settle(self._remote, geometry)
        except ProtocolError as error:
            self._blame_peer(error)
        have = self._remote.have
        return [] if have is None else [BitfieldMessage(have.to_bytes())]

    @property
    def local_state(self) -> State:
        """How far this side has come."""
        return self._local.state

    @property
    def remote_state(self) -> State:
        """How far the peer has come."""
        return self._remote.state

    @property
    def is_open(self) -> bool:
        """Whether this side may still say anything but Bye, at its time."""
        return self._local.state not in OVER

    @property
    def remote_cid(self) -> Cid | None:
        """The manifest that the peer's HELLO named, None before it."""
        return self._remote.cid

    @property
    def remote_request_limit(self) -> int:
        """The bytes of unanswered requests that the peer accepts, 0 before its HELLO."""
        return self._remote.request_limit

    @property
    def outstanding_bytes(self) -> int:
        """The bytes of our unanswered requests; each counts whole until it has ended."""
        return self._local.requests.outstanding_bytes

    @property
    def remote_outstanding_bytes(self) -> int:
        """The bytes of the peer's unanswered requests."""
        return self._remote.requests.outstanding_bytes

    @property
    def outstanding_meta(self) -> int:
        """How many of our GET_METAs are unanswered."""
        return self._local.meta.count

    def awaits(self, chunk: int, offset: int, length: int) -> bool:
        """Whether we made exactly this request and it has not ended: so long it may be cancelled."""
        return self._local.requests.is_unanswered(chunk, offset, length)

    def owes(self, chunk: int, offset: int, length: int) -> bool:
        """Whether the peer made exactly this request and it has not ended: so long it may be served."""
        return self._remote.requests.is_unanswered(chunk, offset, length)

    def announced(self, chunk: int) -> bool:
        """Whether our BITFIELD or a HAVE told the peer of this chunk: once told, it isn't told again."""
        return self._local.have is not None and self._local.have[chunk]

    @property
    def _was_told_bye(self) -> bool:
        return self._remote.state is State.DONE and self._local.state is State.PARTING

    def _hear(self, payload: Sequence[Buffer]) -> Message | None:
        """The message of a payload, unless it is none for the driver."""
        message = decode(*payload)
        if message is None:
            check_optional(self._remote.state)
            return None
        try:
            say(self._remote, self._local, message, self._geometry)
        except LateCancel:
            return None
        return None if self._geometry is None and message.TYPE in _NEED_GEOMETRY else message

    def _blame_peer(self, error: ProtocolError) -> NoReturn:
        """The peer broke a rule: close, but for a parting BYE."""
        self._remote.state = State.BROKEN
        self._local.state = part(self._local.state)
        if isinstance(error, RemoteProtocolError):
            self._failure = error
            raise error
        self._failure = RemoteProtocolError(str(error))
        raise self._failure from error

    def _blame_us(self, error: ProtocolError) -> NoReturn:
        """We broke a rule: close for good, for what this side does is not to be trusted."""
        self._local.state = self._remote.state = State.BROKEN
        self._failure = LocalProtocolError(str(error))
        raise self._failure from error

    def _raise_again(self, kind: type[ProtocolError]) -> None:
        if isinstance(self._failure, kind):
            raise type(self._failure)(str(self._failure))
