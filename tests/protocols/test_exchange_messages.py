"""Messages that can't be are refused when they are made."""

from __future__ import annotations

import pytest

from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import LocalProtocolError
from protocols.exchange import (
    MAX_AGENT,
    MAX_DATA,
    MAX_HAVE,
    MAX_META,
    MIN_REQUEST_LIMIT,
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Data,
    GetMeta,
    Have,
    Hello,
    KnownPeer,
    Meta,
    Peers,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
)
from protocols.exchange.limits import MAX_BITFIELD, MAX_BYE_TEXT
from protocols.framing import MAX_UVARINT

CID = Cid.of(DAG_CBOR, b"a manifest")
LIMIT = MIN_REQUEST_LIMIT

IMPOSSIBLE = {
    "hello version": lambda: Hello(-1, CID, LIMIT),
    "hello about a chunk": lambda: Hello(1, Cid.of(RAW, b""), LIMIT),
    "hello limit below a chunk": lambda: Hello(1, CID, LIMIT - 1),
    "hello limit beyond a varint": lambda: Hello(1, CID, MAX_UVARINT + 1),
    "hello agent": lambda: Hello(1, CID, LIMIT, "a" * (MAX_AGENT + 1)),
    "hello agent in bytes": lambda: Hello(1, CID, LIMIT, "ä" * (MAX_AGENT // 2 + 1)),
    "get_meta part": lambda: GetMeta(-1, 0),
    "get_meta offset": lambda: GetMeta(0, MAX_UVARINT + 1),
    "meta part": lambda: Meta(-1, 1, 0, b"x"),
    "meta total": lambda: Meta(0, MAX_UVARINT + 1, 0, b"x" * MAX_META),
    "meta offset": lambda: Meta(0, 1, -1, b"xx"),
    "meta of nothing": lambda: Meta(0, 0, 0, b""),
    "meta behind its end": lambda: Meta(0, 5, 5, b""),
    "meta short": lambda: Meta(0, 5, 0, b"xxxx"),
    "meta long": lambda: Meta(0, 5, 0, b"xxxxxx"),
    "meta beyond a message": lambda: Meta(0, MAX_META + 1, 0, b"x" * (MAX_META + 1)),
    "reject_meta part": lambda: RejectMeta(-1, RejectReason.BUSY),
    "reject_meta cancelled": lambda: RejectMeta(0, RejectReason.CANCELLED),
    "bitfield": lambda: BitfieldMessage(b"x" * (MAX_BITFIELD + 1)),
    "have nothing": lambda: Have(()),
    "have too many": lambda: Have(tuple(range(MAX_HAVE + 1))),
    "have negative": lambda: Have((5, -1)),
    "have beyond a varint": lambda: Have((MAX_UVARINT + 1, 5)),
    "request chunk": lambda: Request(-1, 0, 1),
    "request offset": lambda: Request(0, -1, 1),
    "request nothing": lambda: Request(0, 0, 0),
    "data chunk": lambda: Data(-1, 0, b"x"),
    "data offset": lambda: Data(0, -1, b"x"),
    "data nothing": lambda: Data(0, 0, b""),
    "data too long": lambda: Data(0, 0, b"x" * (MAX_DATA + 1)),
    "cancel nothing": lambda: Cancel(0, 0, 0),
    "reject nothing": lambda: Reject(0, 0, 0, RejectReason.BUSY),
    "peer id short": lambda: KnownPeer(bytes(33), (b"x",)),
    "peer id long": lambda: KnownPeer(bytes(45), (b"x",)),
    "peer nowhere": lambda: KnownPeer(bytes(34), ()),
    "peer everywhere": lambda: KnownPeer(bytes(34), (b"x",) * 6),
    "peer at an empty address": lambda: KnownPeer(bytes(34), (b"",)),
    "peer at a long address": lambda: KnownPeer(bytes(34), (b"x" * 121,)),
    "peers nobody": lambda: Peers(()),
    "peers too many": lambda: Peers(tuple(KnownPeer(bytes((n,)) * 34, (b"x",)) for n in range(26))),
    "peers twice": lambda: Peers((KnownPeer(bytes(34), (b"x",)), KnownPeer(bytes(34), (b"y",)))),
    "bye text": lambda: Bye(ByeReason.OTHER, "x" * (MAX_BYE_TEXT + 1)),
}


@pytest.mark.parametrize("make", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_an_impossible_message_cant_be_made(make):
    with pytest.raises(LocalProtocolError):
        make()


def test_messages_as_long_as_may_be_can_be_made():
    assert len(Data(0, 0, b"x" * MAX_DATA).data) == MAX_DATA
    assert len(Meta(0, MAX_META + 1, 0, b"x" * MAX_META).data) == MAX_META
    assert len(BitfieldMessage(b"x" * MAX_BITFIELD).data) == MAX_BITFIELD
    assert len(Have(tuple(range(MAX_HAVE))).chunks) == MAX_HAVE


def test_a_goodbye_says_as_much_as_fits():
    assert Bye.saying(ByeReason.TIMEOUT, "no data for 60 s").text == "no data for 60 s"
    assert Bye.saying(ByeReason.TIMEOUT, "x" * 300).text == "x" * MAX_BYE_TEXT
    assert Bye.saying(ByeReason.TIMEOUT, "x" + "ä" * 300).text == "x" + "ä" * 127  # no half letters
    assert Bye.saying(ByeReason.TIMEOUT, "a lone \udcff").text == "a lone ?"


def test_reasons_of_the_future_are_other_reasons():
    assert RejectReason(200) is RejectReason.OTHER
    assert ByeReason(200) is ByeReason.OTHER
