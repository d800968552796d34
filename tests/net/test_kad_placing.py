"""Placing records: what a server says it holds, and what follows from that for those it wasn't asked for."""

from __future__ import annotations

import random

import trio

from node.net import kad_messages
from node.net.kad_client import QueryError
from node.net.kad_messages import Contact, Kind
from node.net.kad_placing import ASKED_FOR, AT_ONCE, BURST, RATE, Placing
from tests.net.kad_world import new_peer_id

RNG = random.Random(3)
OWN = new_peer_id(RNG)
ME = Contact(OWN, (f"/ip4/127.0.0.1/tcp/4001/p2p/{OWN}",))
SERVER = Contact(new_peer_id(RNG))


def keys(count):
    return [b"\x12\x20" + RNG.randbytes(32) for _ in range(count)]


KEYS = keys(60)


class FakeServer:
    """Keeps records, but for those it refuses; forgets how to read after `patience` of them."""

    def __init__(self, *, refuses=(), patience=10**9, breaks=0):
        self.records = []
        self.questions = 0
        self._refuses = set(refuses)
        self._patience = patience
        self._breaks = breaks
        self.placing = Placing(self, self.ask)

    async def tell(self, contact, *messages):
        await trio.lowlevel.checkpoint()
        if self._breaks:
            self._breaks -= 1
            raise QueryError("the stream broke")
        assert len(messages) <= AT_ONCE
        for message in messages:
            assert message.type == Kind.ADD_PROVIDER
            if self._patience and message.key not in self._refuses:
                self.records.append(message.key)
            self._patience = max(0, self._patience - 1)

    async def ask(self, contact, request):
        await trio.lowlevel.checkpoint()
        self.questions += 1
        return kad_messages.answer(request, [], [ME] if request.key in self.records else [])


async def test_of_many_records_a_few_are_asked_for(autojump_clock):
    server = FakeServer()
    assert await server.placing.place(KEYS, ME, SERVER) == set(KEYS)
    assert server.records == KEYS
    assert server.questions == ASKED_FOR


async def test_of_few_records_each_is_asked_for(autojump_clock):
    server = FakeServer(refuses=KEYS[1:2])
    assert await server.placing.place(KEYS[:3], ME, SERVER) == {KEYS[0], KEYS[2]}


async def test_a_record_that_is_refused_says_nothing_of_the_others(autojump_clock):
    """A popular word that a server keeps no more providers of must not have the rest sent again and again."""
    server = FakeServer(refuses=KEYS[-1:])
    held = await server.placing.place(KEYS, ME, SERVER)
    assert KEYS[-1] not in held
    assert len(held) > 50
    assert len(server.records) < 80


async def test_what_a_server_had_no_patience_for_is_not_taken_for_held(autojump_clock):
    server = FakeServer(patience=30)
    held = await server.placing.place(KEYS, ME, SERVER)
    assert held <= set(server.records)
    assert len(held) > 20


async def test_a_stream_that_broke_is_made_good_by_the_second_try(autojump_clock):
    assert await FakeServer(breaks=1).placing.place(KEYS, ME, SERVER) == set(KEYS)
    assert await FakeServer(breaks=2).placing.place(KEYS, ME, SERVER) == set()


async def test_no_server_is_sent_more_than_it_stands(autojump_clock):
    server = FakeServer()
    start = trio.current_time()
    await server.placing.place(keys(int(BURST + 2 * RATE)), ME, SERVER)
    assert 1.5 < trio.current_time() - start < 3
