"""Every message in every state, said and heard: it is legal, or an error that closes the conversation."""

from __future__ import annotations

from itertools import product

import pytest

from protocols.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from protocols.exchange import (
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    GetMeta,
    Have,
    Hello,
    KnownPeer,
    MessageType,
    Meta,
    Peers,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
    State,
    encode,
)
from protocols.exchange.state import REACTIONS, TRANSITIONS, advance
from tests.protocols.exchange_pair import CID, LIMIT, ConnectionPair, bitfield, frame

# Messages that break no rule but, perhaps, the order: `in_state` sees to what they presuppose.
MESSAGES = {
    MessageType.HELLO: Hello(1, CID, LIMIT),
    MessageType.GET_META: GetMeta(0, 0),
    MessageType.META: Meta(0, 5, 0, b"block"),
    MessageType.REJECT_META: RejectMeta(0, RejectReason.BUSY),
    MessageType.BITFIELD: bitfield(4, (0, 1)),
    MessageType.HAVE: Have((2,)),
    MessageType.REQUEST: Request(1, 0, 100),
    MessageType.DATA: Data(0, 0, b"x" * 100),
    MessageType.CANCEL: Cancel(0, 0, 100),
    MessageType.REJECT: Reject(0, 0, 100, RejectReason.BUSY),
    MessageType.BYE: Bye(ByeReason.FINISHED),
    MessageType.PEERS: Peers((KnownPeer(b"\x12\x20" + bytes(32), (b"somewhere",)),)),
}

META = {MessageType.GET_META, MessageType.META, MessageType.REJECT_META}
CHUNKS = {MessageType.HAVE, MessageType.REQUEST, MessageType.DATA, MessageType.CANCEL, MessageType.REJECT}

# What SPEC.md allows, written down a second time.
LEGAL = {
    State.WAITING: {MessageType.BYE},
    State.IDLE: {MessageType.HELLO, MessageType.BYE},
    State.GREETED: {*META, MessageType.PEERS, MessageType.BITFIELD, MessageType.BYE},
    State.READY: {*META, *CHUNKS, MessageType.PEERS, MessageType.BYE},
    State.PARTING: {MessageType.BYE},
    State.DONE: set(),
    State.BROKEN: set(),
}
LEADS_TO = {MessageType.HELLO: State.GREETED, MessageType.BITFIELD: State.READY, MessageType.BYE: State.DONE}


def in_state(state: State):
    """A pair and the side of it that is in this state; what may be asked in it has been asked."""
    pair = ConnectionPair()
    side, other = pair.opener, pair.acceptor
    match state:
        case State.WAITING:
            side, other = other, side
        case State.GREETED | State.READY:
            pair.greet()
            for one in (side, other):
                pair.tell(one, GetMeta(0, 0))
            if state is State.READY:
                pair.announce((0, 1), (0, 1))
                for one in (side, other):
                    pair.tell(one, Request(0, 0, 100))
            else:
                for one in (side, other):
                    one.set_geometry(pair.geometry)
        case State.PARTING:
            with pytest.raises(RemoteProtocolError):
                side.receive_data(frame(0x00))
        case State.DONE:
            pair.tell(side, Bye(ByeReason.STOPPING))
        case State.BROKEN:
            with pytest.raises(LocalProtocolError):
                side.send(Have((0,)))
    assert side.local_state is state
    return pair, side, other


every_pair = pytest.mark.parametrize("said", MessageType, ids=lambda said: said.name)


@every_pair
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_saying(state, said):
    _, side, _ = in_state(state)
    message = MESSAGES[said]
    if said in LEGAL[state]:
        assert side.send(message) == encode(message)
        assert side.local_state is LEADS_TO.get(said, state)
        return
    with pytest.raises(LocalProtocolError):
        side.send(message)
    assert side.local_state is State.BROKEN
    for call in (lambda: side.send(Bye(ByeReason.OTHER)), lambda: side.receive_data(b""), side.receive_eof):
        with pytest.raises(LocalProtocolError):
            call()


@every_pair
@pytest.mark.parametrize("state", [State.WAITING, State.IDLE, State.GREETED, State.READY], ids=lambda state: state.name)
def test_hearing(state, said):
    _, _, other = in_state(state)
    assert other.remote_state is state
    message = MESSAGES[said]
    data = b"".join(encode(message))
    if said in LEGAL[state]:
        assert other.receive_data(data) == [message]
        assert other.remote_state is LEADS_TO.get(said, state)
        assert other.is_open is (said is not MessageType.BYE)
        return
    with pytest.raises(RemoteProtocolError, match=f"{said.name} is not legal in state {state.value}"):
        other.receive_data(data)
    assert not other.is_open
    for call in (lambda: other.receive_data(b""), other.receive_eof, lambda: other.set_geometry(None)):
        with pytest.raises(RemoteProtocolError, match=said.name):
            call()
    # The other side may still say why, and nothing else.
    assert other.local_state is State.PARTING
    other.send(Bye(ByeReason.PROTOCOL_ERROR, "you went wrong"))
    assert other.local_state is State.DONE


@every_pair
def test_hearing_more_after_a_goodbye(said):
    _, _, other = in_state(State.DONE)
    with pytest.raises(RemoteProtocolError, match=f"{said.name} is not legal in state DONE"):
        other.receive_data(b"".join(encode(MESSAGES[said])))
    assert other.local_state is State.PARTING


@every_pair
def test_what_crosses_our_goodbye_is_ignored(said):
    _, side, _ = in_state(State.DONE)
    assert side.receive_data(b"".join(encode(MESSAGES[said]))) == []
    assert side.receive_data(b"\xff\xff\xff\xff\xff") == []
    side.receive_eof()


@every_pair
def test_what_we_say_after_the_peers_goodbye_is_not_written_but_for_ours(said):
    _, _, other = in_state(State.DONE)
    if said is MessageType.BYE:
        assert other.send(MESSAGES[said]) == encode(MESSAGES[said])
    else:
        assert other.send(MESSAGES[said]) == []
    other.receive_eof()


@every_pair
def test_every_transition_ends_in_a_state_or_an_error(said):
    for speaker, listener in product(State, State):
        try:
            after, heard = advance(speaker, listener, said)
        except ProtocolError:
            assert said not in LEGAL[speaker]
        else:
            assert after in TRANSITIONS
            assert heard is REACTIONS.get(said, {}).get(listener, listener)


def test_a_hello_lets_the_waiting_side_greet_and_a_goodbye_silences_it():
    assert advance(State.IDLE, State.WAITING, MessageType.HELLO) == (State.GREETED, State.IDLE)
    assert advance(State.READY, State.READY, MessageType.BYE) == (State.DONE, State.PARTING)
    assert advance(State.PARTING, State.BROKEN, MessageType.BYE) == (State.DONE, State.BROKEN)


@pytest.mark.parametrize("state", [State.GREETED, State.READY], ids=lambda state: state.name)
def test_unknown_optional_messages_change_nothing_after_hello(state):
    _, _, other = in_state(state)
    assert other.receive_data(frame(0x81, b"something new") + frame(0xFF)) == []
    assert other.is_open


@pytest.mark.parametrize("state", [State.WAITING, State.IDLE, State.DONE], ids=lambda state: state.name)
def test_optional_messages_come_after_hello_and_before_goodbye(state):
    _, _, other = in_state(state)
    with pytest.raises(RemoteProtocolError, match="optional message is not legal"):
        other.receive_data(frame(0x81))


def test_a_bitfield_of_a_pipelining_opener_is_legal_before_the_acceptor_has_greeted():
    pair = ConnectionPair()
    pair.opener.set_geometry(pair.geometry)
    pair.send(pair.opener, pair.opener.hello(), bitfield(4, ()), GetMeta(1, 0))
    hello, get_meta = pair.deliver(pair.acceptor)
    assert (hello.cid, get_meta) == (CID, GetMeta(1, 0))
    assert pair.acceptor.set_geometry(pair.geometry) == [BitfieldMessage(b"\0")]
