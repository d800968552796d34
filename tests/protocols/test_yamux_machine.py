"""Two sessions do whatever they like over a link that cuts bytes anywhere: nothing is lost, mixed up or unbounded."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocols.errors import RemoteProtocolError
from protocols.yamux import Session, Stream, StreamOpened, StreamReset
from protocols.yamux.frames import encode_header
from protocols.yamux.limits import INITIAL_WINDOW, MAX_ANSWERS, MAX_INBOUND_STREAMS, MAX_UNREAD
from tests.protocols.yamux_pair import Link

any_one = st.integers(0, 1 << 30)  # picks one of a list that isn't known yet
sides = st.booleans()
sizes = st.one_of(st.integers(1, 100), st.sampled_from([4096, 65_507, 65_508, 300_000]))


def pattern(seed: int, start: int, size: int) -> bytes:
    """Bytes that tell where in which stream they belong."""
    block = bytes((seed * 31 + index * 7) % 251 for index in range(251))
    shift = start % 251
    return (block[shift:] + block * (size // 251 + 1))[:size]


class TwoSessions(RuleBasedStateMachine):
    """`written` and `read` count bytes by (sender, stream id). What is read must be what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.link = Link()
        self.known: dict[Session, dict[int, Stream]] = {self.link.client: {}, self.link.server: {}}
        self.written: Counter[tuple[Session, int]] = Counter()
        self.read: Counter[tuple[Session, int]] = Counter()

    def side(self, is_client: bool) -> Session:
        return self.link.client if is_client else self.link.server

    def pick(self, session: Session, which: int) -> Stream | None:
        streams = list(self.known[session].values())
        return streams[which % len(streams)] if streams else None

    @rule(is_client=sides)
    def open(self, is_client: bool) -> None:
        session = self.side(is_client)
        if session.can_open:
            stream = session.open_stream()
            self.known[session][stream.id] = stream

    @rule(is_client=sides, which=any_one, size=sizes)
    def write(self, is_client: bool, which: int, size: int) -> None:
        session = self.side(is_client)
        stream = self.pick(session, which)
        if stream and not stream.is_reset and not stream.is_send_closed:
            key = (session, stream.id)
            session.write(stream, pattern(stream.id, self.written[key], size))
            self.written[key] += size

    @rule(is_client=sides, which=any_one, size=st.one_of(sizes, st.just(1 << 24)))
    def take(self, is_client: bool, which: int, size: int) -> None:
        session = self.side(is_client)
        stream = self.pick(session, which)
        if stream:
            key = (self.link.other(session), stream.id)
            data = session.read(stream, size, self.link.now)
            assert not (data and stream.is_unwanted)
            assert data == pattern(stream.id, self.read[key], len(data))
            self.read[key] += len(data)
            if stream.at_eof and not stream.is_unwanted:
                assert self.read[key] == self.written[key]

    @rule(is_client=sides, which=any_one, how=st.sampled_from(["finish", "finish", "close", "reset", "stop"]))
    def end(self, is_client: bool, which: int, how: str) -> None:
        session = self.side(is_client)
        stream = self.pick(session, which)
        if stream and not stream.is_reset:
            {
                "finish": lambda: session.finish(stream),
                "close": lambda: session.close(stream, self.link.now),
                "reset": lambda: session.reset(stream),
                "stop": lambda: session.stop_reading(stream),
            }[how]()

    @rule(is_client=sides, limit=st.sampled_from([1, 100, 100_000, 1 << 20]))
    def send(self, is_client: bool, limit: int) -> None:
        self.link.send(self.side(is_client), limit)

    @rule(is_client=sides, size=st.one_of(st.integers(1, 30), sizes, st.just(1 << 24)))
    def deliver(self, is_client: bool, size: int) -> None:
        session = self.side(is_client)
        for event in self.link.deliver(session, size):
            if isinstance(event, StreamOpened):
                self.known[session][event.stream.id] = event.stream
                assert session.accept(event.stream) or event.stream.is_reset
            elif isinstance(event, StreamReset):
                assert event.stream.is_reset

    @rule(seconds=st.floats(0, 5))
    def pass_time(self, seconds: float) -> None:
        self.link.now += seconds
        for session in self.known:
            session.receive_data(b"", self.link.now)
            session.tick(self.link.now)

    @rule()
    def settle_and_compare(self) -> None:
        """When all has been delivered and read, each side has everything that the other wrote, or a reset."""
        sessions = (self.link.client, self.link.server)
        while True:
            before = sum(self.read.values())
            for is_client in (True, False):
                self.send(is_client, 1 << 20)
                self.deliver(not is_client, 1 << 24)
                for which in range(len(self.known[self.side(is_client)])):
                    self.take(is_client, which, 1 << 24)
            is_idle = not any(side.has_data_to_send or self.link.to[side] or side.unread for side in sessions)
            if is_idle and sum(self.read.values()) == before:
                break
        for session in sessions:
            for stream in self.known[session].values():
                peer = self.known[self.link.other(session)].get(stream.id)
                if peer is not None and not peer.is_reset and not peer.is_unwanted:
                    assert self.read[session, stream.id] == self.written[session, stream.id]
                    assert stream.unsent == 0
                    assert peer.at_eof == stream.is_send_closed or stream.is_reset  # after it was over

    @invariant()
    def books_agree(self) -> None:
        for session in (self.link.client, self.link.server):
            assert session.unread == sum(stream.unread for stream in session.streams)
            assert all(stream.unread <= stream.window_size for stream in session.streams)


TwoSessions.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestTwoSessions = TwoSessions.TestCase


def frames() -> st.SearchStrategy[bytes]:
    """Frames that are mostly of the right form and mostly wrong in their place."""
    ids = st.one_of(st.integers(0, 9), st.integers(0, 2**32 - 1))
    lengths = st.one_of(st.integers(0, 50), st.sampled_from([INITIAL_WINDOW, INITIAL_WINDOW + 1, 2**32 - 1]))
    headers = st.builds(encode_header, st.integers(0, 3), st.integers(0, 15), ids, lengths)
    payloads = st.one_of(st.just(b""), st.binary(max_size=60), st.integers(1, 1 << 20).map(bytes))
    return st.builds(bytes.__add__, headers, payloads)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(frames(), st.binary(max_size=80)), max_size=30), st.booleans(), st.booleans())
def test_any_bytes_give_events_or_an_error_in_bounded_memory(pieces: list[bytes], is_client: bool, has_streams: bool):
    session = Session(is_client=is_client, now=0.0)
    for _ in range(3 * has_streams):
        session.write(session.open_stream(), bytes(10))
    for piece in pieces:
        try:
            for event in session.receive_data(piece, 0.0):
                if isinstance(event, StreamOpened):
                    session.accept(event.stream)
        except RemoteProtocolError:
            assert len(session.data_to_send(1 << 20)) == 12
            break
        assert session.unread <= MAX_UNREAD
        assert len(session.streams) <= MAX_INBOUND_STREAMS + 3
    assert len(session.data_to_send(1 << 30)) <= 12 * (MAX_ANSWERS + 2 * MAX_INBOUND_STREAMS) + 100
