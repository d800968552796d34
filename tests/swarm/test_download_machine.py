"""Any news in any order: the books of a download always agree, and in the end everything is there."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from node.swarm.commands import RequestRange
from node.swarm.selection import Priority
from protocols.exchange import MAX_REQUESTS, RejectReason
from tests.swarm.story import KIB, MIB, Story

PEERS = [f"peer {number}" for number in range(6)]
FILES = (700 * KIB, 0, 300 * KIB, 5 * 256 * KIB)
CHUNKS = 10

peers = st.sampled_from(PEERS)
chunk_sets = st.sets(st.integers(0, CHUNKS - 1))


class AnyNews(RuleBasedStateMachine):
    """A swarm that does whatever it may, and a model of which bytes were kept."""

    @initialize(seed=st.integers(0, 1000), max_in_flight=st.sampled_from([300 * KIB, MIB, 128 * MIB]))
    def begin(self, seed: int, max_in_flight: int) -> None:
        self.story = Story(*FILES, chunk_size=256 * KIB, seed=seed, max_in_flight=max_in_flight)
        self.download = self.story.download
        self.limits: dict[str, int] = {}
        self.kept: dict[int, set[tuple[int, int]]] = {}  # spans of the chunks in flight
        self.whole: set[int] = set()  # chunks that were said to be complete and not hashed yet

    # --- peers ------------------------------------------------------------------------------------------------

    @rule(peer=peers, has=st.none() | chunk_sets, limit=st.sampled_from([MIB, 2 * MIB, 16 * MIB]))
    def join(self, peer, has, limit):
        if peer not in self.story.asked and peer not in self.story.bans:
            self.limits[peer] = limit
            self.story.join(peer, has=has, limit=limit)
            self._forget_dropped()

    @rule(peer=peers, chunks=chunk_sets)
    def announce(self, peer, chunks):
        if peer in self.story.asked:
            self.story.announce(peer, *chunks)

    @rule(peer=peers)
    def leave(self, peer):
        if peer in self.story.asked:
            self.story.leave(peer)
            self._forget_dropped()
            for progress in self.download._in_flight.chunks.values():
                assert all(request.peer != peer for request in progress.requests)

    # --- answers ----------------------------------------------------------------------------------------------

    def _some_request(self, data) -> RequestRange | None:
        requests = [request for asked in self.story.asked.values() for request in asked]
        return data.draw(st.sampled_from(requests)) if requests else None

    @rule(data=st.data(), size=st.integers(1, 256 * KIB))
    def send(self, data, size):
        self._send(self._some_request(data), size)

    @rule(data=st.data(), count=st.integers(1, 20))
    def send_much(self, data, count):
        for _ in range(count):
            self._send(self._some_request(data), 256 * KIB)

    def _send(self, request: RequestRange | None, size: int) -> None:
        if request is None:
            return
        was_cancelled = request in self.story.cancelled
        verdict = self.story.send(request.peer, size, request)
        assert not (was_cancelled and verdict.keep)
        spans = self.kept.setdefault(request.chunk, set())
        for span in verdict.keep:
            assert all(span.end <= start or end <= span.start for start, end in spans), "no byte is written twice"
            spans.add((span.start, span.end))
        is_whole = sum(end - start for start, end in spans) == self.story.geometry.chunk_length(request.chunk)
        assert verdict.complete == (is_whole and bool(verdict.keep))
        if verdict.complete:
            self.whole.add(request.chunk)
        self._forget_dropped()

    @rule(data=st.data(), reason=st.sampled_from(RejectReason))
    def refuse(self, data, reason):
        if request := self._some_request(data):
            self.story.refuse(request.peer, reason, request)
            self._forget_dropped()

    @precondition(lambda self: self.whole)
    @rule(data=st.data(), good=st.booleans(), lends_bytes=st.booleans())
    def hash(self, data, good, lends_bytes):
        chunk = data.draw(st.sampled_from(sorted(self.whole)))
        self.whole.remove(chunk)
        self.kept.pop(chunk)
        self.story.hash(chunk, good=good, data=bytes(256 * KIB) if lends_bytes else b"")
        self._forget_dropped()

    @rule(is_deaf=st.booleans())
    def listen(self, is_deaf):
        """A driver has several news at once before it asks for decisions."""
        self.story.is_deaf = is_deaf
        self.story.pump()
        self._forget_dropped()

    # --- wishes and time --------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 16.0, 60.0]))
    def wait(self, seconds):
        self.story.wait(seconds)
        self._forget_dropped()

    @rule()
    def pause(self):
        self.download.pause()
        self.story.pump()
        assert self.story.is_deaf or all(not self.story.open(peer) for peer in self.story.asked)

    @rule()
    def resume(self):
        self.download.resume(self.story.now)
        self.story.pump()
        self._forget_dropped()

    @rule(priorities=st.dictionaries(st.integers(0, 3), st.sampled_from(Priority)), sequential=st.booleans())
    def wish(self, priorities, sequential):
        self.download.set_priorities(priorities)
        self.download.set_sequential(sequential)
        self.story.pump()
        self._forget_dropped()

    def _forget_dropped(self) -> None:
        for chunk in self.story.dropped:
            assert chunk not in self.whole, "a complete chunk is never dropped"
            self.kept.pop(chunk, None)
        self.story.dropped.clear()

    # --- what always holds ------------------------------------------------------------------------------------

    @invariant()
    def no_peer_is_asked_for_more_than_it_accepts(self):
        for peer, asked in self.story.asked.items():
            assert sum(request.length for request in asked) <= self.limits[peer]
            assert len(asked) <= MAX_REQUESTS

    @invariant()
    def the_books_agree(self):
        in_flight = self.download._in_flight
        for peer, asked in self.story.asked.items():
            if state := self.download.peers.get(peer):
                assert state.request_count == len(asked)
                assert state.open_bytes == sum(request.length for request in asked)
                coming = sum(r.length - self.story.sent.get(r, 0) for r in self.story.open(peer))
                assert state.awaited_bytes == coming or self.story.is_deaf
        assert in_flight.bytes == sum(progress.length for progress in in_flight.chunks.values())
        booked = [request for progress in in_flight.chunks.values() for request in progress.requests]
        assert in_flight.duplicate_requests == sum(request.is_duplicate for request in booked)
        if not self.story.is_deaf:
            assert len(booked) == sum(len(self.story.open(peer)) for peer in self.story.asked)
        for chunk, progress in in_flight.chunks.items():
            assert not progress.is_complete or not progress.requests
            assert progress.arrived_bytes == sum(end - start for start, end in self.kept.get(chunk, ()))
            assert (chunk in in_flight.partial) == bool(progress.unasked())
        freed = set(filter(self.download.picker.selection.wants, in_flight.freed))
        outside = set(self.download.picker.pool) | (freed - set(in_flight.chunks) - set(self.story.have))
        missing = sum(self.story.geometry.chunk_length(chunk) for chunk in outside)
        assert self.download.missing_bytes == missing + in_flight.bytes

    @invariant()
    def a_chunk_is_in_one_place(self):
        pool = set(self.download.picker.pool)
        assert not pool & self.download.in_flight
        assert not pool & set(self.story.have)
        wanted = {chunk for chunk in range(CHUNKS) if self.download.picker.selection.wants(chunk)}
        freed = set(self.download._in_flight.freed)
        assert wanted <= pool | self.download.in_flight | set(self.story.have) | freed

    @invariant()
    def suspects_are_alone(self):
        for progress in self.download._in_flight.chunks.values():
            asked = {request.peer for request in progress.requests}
            if progress.sole is not None:
                assert asked | progress.suppliers <= {progress.sole}
            for peer in asked:
                assert progress.sole == peer or not self.download.peers[peer].is_suspect

    def teardown(self):
        if not hasattr(self, "story"):
            return
        self._want_everything()
        for peer in tuple(self.story.asked):
            self.story.leave(peer)
        self.limits["last"] = 16 * MIB
        self.story.join("last")
        for _ in range(1000):
            self._forget_dropped()
            for chunk in sorted(self.whole):
                self.story.hash(chunk)
            self.whole.clear()
            if self.download.is_complete:
                break
            if self.story.asked["last"]:
                self._send(self.story.asked["last"][0], 256 * KIB)
            else:
                self.story.wait(1.0)
        assert self.story.have.is_complete, "what a connected peer has is fetched from it"

    def _want_everything(self):
        self.story.is_deaf = False
        self.story.pump()
        self._forget_dropped()
        self.download.resume(self.story.now)
        self.download.set_priorities({})


TestAnyNews = AnyNews.TestCase
TestAnyNews.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
