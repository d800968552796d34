"""The asking side against servers that are slow, odd, deaf or dishonest."""

from __future__ import annotations

import pytest
import trio
from libp2p.kad_dht.pb.kademlia_pb2 import Message

from node.net import kad_client
from node.net.kad_client import ANSWER_S, HOLD_S, KadClient, QueryError
from node.net.kad_messages import MAX_REQUEST, Contact, Kind
from node.net.kad_stream import KadStream
from tests.net.kad_world import SHOAL, open_world

KEYS = [bytes([0x12, 0x20, number]) + bytes(31) for number in range(10)]


def find_node(key=KEYS[0]):
    return Message(type=Kind.FIND_NODE, key=key)


class Peer:
    """A scripted server: `answer(request)` returns the messages to send back, or raises to reset."""

    def __init__(self, world, answer):
        self.host = world.host()
        self.contact = Contact(self.host.peer_id, tuple(self.host.addresses()))
        self.host.set_handler(SHOAL, self.serve)
        self.answer = answer
        self.streams = 0
        self.requests = []

    async def serve(self, stream):
        self.streams += 1
        line = KadStream(stream, MAX_REQUEST)
        try:
            while (request := await line.receive()) is not None:
                self.requests.append(request)
                for reply in await self.answer(request):
                    await line.send(reply)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        except EOFError:
            line.reset()


async def honest(request):
    return [] if request.type == Kind.ADD_PROVIDER else [Message(type=request.type, key=request.key)]


async def echoing(request):
    return [Message(type=request.type, key=request.key)]


async def deaf(request):
    await trio.sleep_forever()


def client_of(world):
    return KadClient(world.host(), SHOAL)


async def test_one_stream_is_held_for_all_questions_to_a_peer(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, honest), client_of(world)
        for key in KEYS:
            assert (await client.ask(peer.contact, find_node(key))).key == key
        assert (peer.streams, client.streams) == (1, 1)


async def test_questions_asked_at_once_are_answered_each_its_own(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, honest), client_of(world)

        async def ask(key):
            assert (await client.ask(peer.contact, find_node(key))).key == key

        async with trio.open_nursery() as nursery:
            for key in KEYS:
                nursery.start_soon(ask, key)
        assert (peer.streams, len(peer.requests)) == (1, 10)


async def test_a_server_that_echoes_add_provider_is_understood(autojump_clock):
    """py-libp2p 0.8.1 answers what has no answer; go's and ours don't."""
    async with open_world() as world:
        peer, client = Peer(world, echoing), client_of(world)
        for key in KEYS:
            await client.tell(peer.contact, Message(type=Kind.ADD_PROVIDER, key=key))
        for key in KEYS:
            assert (await client.ask(peer.contact, Message(type=Kind.GET_PROVIDERS, key=key))).key == key
        assert peer.streams == 1


async def test_a_held_stream_that_its_server_ended_is_replaced_once(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, honest), client_of(world)
        await client.ask(peer.contact, find_node())
        for stream in list(peer.host.streams):
            stream.reset()
        assert (await client.ask(peer.contact, find_node(KEYS[1]))).key == KEYS[1]
        assert peer.streams == 2


async def test_a_server_that_resets_every_stream_has_failed(autojump_clock):
    async def resetting(request):
        raise EOFError

    async with open_world() as world:
        peer, client = Peer(world, resetting), client_of(world)
        with pytest.raises(QueryError):
            await client.ask(peer.contact, find_node())
        assert client.streams == 0


@pytest.mark.parametrize(
    "reply",
    [
        Message(type=Kind.GET_PROVIDERS, key=KEYS[0]),
        Message(type=Kind.FIND_NODE, key=KEYS[1]),
        Message(type=Kind.ADD_PROVIDER, key=KEYS[0]),  # an echo of nothing that was sent
    ],
)
async def test_an_answer_to_another_question_ends_the_stream(autojump_clock, reply):
    async def confused(request):
        return [reply]

    async with open_world() as world:
        peer, client = Peer(world, confused), client_of(world)
        with pytest.raises(QueryError, match="another question"):
            await client.ask(peer.contact, find_node())
        assert client.streams == 0
        peer.answer = honest
        assert (await client.ask(peer.contact, find_node())).key == KEYS[0]
        assert peer.streams == 2


async def test_a_deaf_peer_costs_one_timeout_and_is_then_left_alone(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, deaf), client_of(world)
        costs = []

        async def ask():
            started = trio.current_time()
            with pytest.raises(QueryError):
                await client.ask(peer.contact, find_node())
            costs.append(trio.current_time() - started)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask)
        await ask()
        assert costs == pytest.approx([ANSWER_S] * 5 + [0.0])


async def test_a_peer_is_left_alone_for_longer_each_time_it_fails_and_gets_a_new_chance(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, deaf), client_of(world)

        async def seconds_between_questions():
            asked, started = len(peer.requests), trio.current_time()
            while len(peer.requests) == asked:
                with pytest.raises(QueryError):
                    await client.ask(peer.contact, find_node())
                await trio.sleep(1)
            return trio.current_time() - started - ANSWER_S

        await seconds_between_questions()
        pauses = [await seconds_between_questions() for _ in range(9)]
        assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300], abs=2)
        peer.answer = honest
        await trio.sleep(300)
        assert (await client.ask(peer.contact, find_node())).key == KEYS[0]


async def test_a_peer_that_shows_itself_is_forgiven(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, deaf), client_of(world)
        with pytest.raises(QueryError):
            await client.ask(peer.contact, find_node())
        peer.answer = honest
        client.forgive(peer.host.peer_id)
        assert (await client.ask(peer.contact, find_node())).key == KEYS[0]


async def test_a_late_answer_is_never_taken_for_the_next_one(autojump_clock):
    async def slow_once(request):
        await trio.sleep(1.0 if request.key == KEYS[0] else 0.0)
        return await honest(request)

    async with open_world() as world:
        peer, client = Peer(world, slow_once), client_of(world)
        with trio.move_on_after(0.5):
            await client.ask(peer.contact, find_node(KEYS[0]))
        assert client.streams == 0, "a stream with an answer under way was kept"
        assert (await client.ask(peer.contact, find_node(KEYS[1]))).key == KEYS[1]


async def test_a_client_without_the_protocol_fails_at_once(autojump_clock):
    async with open_world() as world:
        host, client = world.host(), client_of(world)
        with pytest.raises(QueryError):
            await client.ask(Contact(host.peer_id, tuple(host.addresses())), find_node())
        assert trio.current_time() < 1.0


async def test_idle_streams_are_let_go_before_servers_reset_them(autojump_clock):
    async with open_world() as world:
        peer, client = Peer(world, honest), client_of(world)
        await client.ask(peer.contact, find_node())
        client.drop_idle()
        assert client.streams == 1
        await trio.sleep(HOLD_S + 1)
        client.drop_idle()
        assert client.streams == 0


async def test_held_streams_are_bounded_and_the_least_used_goes(autojump_clock, monkeypatch):
    monkeypatch.setattr(kad_client, "MAX_HELD", 3)
    async with open_world() as world:
        client = client_of(world)
        peers = [Peer(world, honest) for _ in range(5)]
        for peer in peers:
            await client.ask(peer.contact, find_node())
        assert client.streams == 3
        await client.ask(peers[4].contact, find_node())
        await client.ask(peers[0].contact, find_node())
        assert [peer.streams for peer in peers] == [2, 1, 1, 1, 1]


async def test_shunned_peers_are_bounded(autojump_clock, monkeypatch):
    monkeypatch.setattr(kad_client, "MAX_SHUNNED", 2)
    async with open_world() as world:
        client = client_of(world)
        peers = [Peer(world, deaf) for _ in range(3)]
        for peer in peers:
            with pytest.raises(QueryError):
                await client.ask(peer.contact, find_node())
        peers[0].answer = honest
        assert (await client.ask(peers[0].contact, find_node())).key == KEYS[0]
