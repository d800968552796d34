"""Two fair sides do whatever they like, over a slow link: they never break a rule, and their books agree."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocols.exchange import MAX_REQUESTS, MIN_DATA, Cancel, Connection, Data, Have, Reject, RejectReason, Request
from tests.protocols.exchange_pair import GEOMETRY, LIMIT, ConnectionPair

SIDES = ("opener", "acceptor")
Range = tuple[int, int, int]  # chunk, offset, length

sides = st.sampled_from(SIDES)
any_one = st.integers(0, 1 << 30)  # picks one of a list that isn't known yet


class TwoFairSides(RuleBasedStateMachine):
    """`asked` and `owed` are what a driver on each side would remember: range -> bytes got or given."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = ConnectionPair(GEOMETRY).greet().announce((0, 1), (2, 3))
        self.has = {"opener": {0, 1}, "acceptor": {2, 3}}
        self.known = {"opener": {2, 3}, "acceptor": {0, 1}}  # what each has heard that the other has
        self.asked: dict[str, dict[Range, int]] = {"opener": {}, "acceptor": {}}
        self.owed: dict[str, dict[Range, int]] = {"opener": {}, "acceptor": {}}
        self.cancelled: dict[str, set[Range]] = {"opener": set(), "acceptor": set()}
        self.to_cancel: dict[str, set[Range]] = {"opener": set(), "acceptor": set()}
        self.made = self.ended = 0

    def connection(self, side: str) -> Connection:
        return self.pair.opener if side == "opener" else self.pair.acceptor

    def uncancelled(self) -> list[tuple[str, Range]]:
        return [(side, one) for side in SIDES for one in self.asked[side] if one not in self.cancelled[side]]

    def unserved(self) -> list[tuple[str, Range]]:
        return [(side, one) for side in SIDES for one in self.owed[side]]

    def missing(self) -> list[tuple[str, int]]:
        return [(side, n) for side in SIDES for n in range(GEOMETRY.chunk_count) if n not in self.has[side]]

    @rule(side=sides, which=any_one, start=st.integers(0, 65_535), length=st.integers(1, 65_536))
    def request(self, side, which, start, length):
        known = sorted(self.known[side])
        chunk = known[which % len(known)]
        offset = start % GEOMETRY.chunk_length(chunk)
        length = min(length, GEOMETRY.chunk_length(chunk) - offset)
        mine = self.asked[side]
        overlaps = any(c == chunk and o < offset + length and offset < o + n for c, o, n in mine)
        if overlaps or len(mine) == MAX_REQUESTS or sum(n for _, _, n in mine) + length > LIMIT:
            return
        self.pair.send(self.connection(side), Request(chunk, offset, length))
        mine[chunk, offset, length] = 0
        self.made += 1

    @precondition(unserved)
    @rule(which=any_one, size=st.integers(MIN_DATA, 65_536))
    def serve(self, which, size):
        side, wanted = self.pick(self.unserved(), which)
        self.give(side, wanted, size)

    @precondition(unserved)
    @rule(which=any_one)
    def reject(self, which):
        side, wanted = self.pick(self.unserved(), which)
        reason = RejectReason.CANCELLED if wanted in self.to_cancel[side] else RejectReason.BUSY
        self.pair.send(self.connection(side), Reject(*wanted, reason))
        self.forget(side, wanted)

    @precondition(uncancelled)
    @rule(which=any_one)
    def cancel(self, which):
        side, wanted = self.pick(self.uncancelled(), which)
        self.pair.send(self.connection(side), Cancel(*wanted))
        self.cancelled[side].add(wanted)

    @precondition(missing)
    @rule(which=any_one)
    def have(self, which):
        side, chunk = self.pick(self.missing(), which)
        self.pair.send(self.connection(side), Have((chunk,)))
        self.has[side].add(chunk)

    @rule(side=sides, size=st.integers(1, 40) | st.integers(1, 100_000))
    def deliver(self, side, size):
        for message in self.pair.deliver(self.connection(side), size):
            self.hear(side, message)

    @invariant()
    def the_books_agree_with_the_drivers(self):
        for side in SIDES:
            connection = self.connection(side)
            assert connection.outstanding_bytes == sum(length for _, _, length in self.asked[side])
            assert connection.remote_outstanding_bytes == sum(length for _, _, length in self.owed[side])
            assert all(connection.awaits(*one) for one in self.asked[side])
            assert all(connection.owes(*one) for one in self.owed[side])

    def teardown(self):
        """In the end every request that was made has ended, once."""
        while self.pair.to_opener or self.pair.to_acceptor or self.owed["opener"] or self.owed["acceptor"]:
            for side in SIDES:
                self.deliver(side, None)
                for wanted in list(self.owed[side]):
                    self.give(side, wanted, LIMIT)
        assert self.made == self.ended
        assert self.asked == {"opener": {}, "acceptor": {}}

    def give(self, side, wanted, size):
        chunk, offset, length = wanted
        given = self.owed[side][wanted]
        size = min(size, length - given)
        self.pair.send(self.connection(side), Data(chunk, offset + given, b"x" * size))
        self.owed[side][wanted] += size
        if given + size == length:
            self.forget(side, wanted)

    def hear(self, side, message):
        match message:
            case Request(chunk, offset, length):
                assert chunk in self.has[side]
                self.owed[side][chunk, offset, length] = 0
            case Data(chunk, offset, data):
                self.got(side, chunk, offset, len(data))
            case Reject(chunk, offset, length):
                self.end(side, (chunk, offset, length))
            case Cancel(chunk, offset, length):
                assert (chunk, offset, length) in self.owed[side]
                self.to_cancel[side].add((chunk, offset, length))
            case Have(chunks):
                self.known[side].update(chunks)

    def got(self, side, chunk, offset, size):
        (wanted,) = [(c, o, n) for (c, o, n), got in self.asked[side].items() if (c, o + got) == (chunk, offset)]
        self.asked[side][wanted] += size
        if self.asked[side][wanted] == wanted[2]:
            self.end(side, wanted)

    def end(self, side, wanted):
        del self.asked[side][wanted]
        self.cancelled[side].discard(wanted)
        self.ended += 1

    def forget(self, side, wanted):
        del self.owed[side][wanted]
        self.to_cancel[side].discard(wanted)

    def pick(self, choices, which):
        return choices[which % len(choices)]


TestTwoFairSides = TwoFairSides.TestCase
TestTwoFairSides.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
