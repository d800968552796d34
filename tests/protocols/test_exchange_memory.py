"""The most that a peer can make one conversation hold is what SPEC.md says."""

from __future__ import annotations

import tracemalloc

from protocols.exchange import (
    MAX_DATA,
    MAX_META_REQUESTS,
    MAX_REQUESTS,
    BitfieldMessage,
    Data,
    GetMeta,
    Hello,
    Request,
    encode,
)
from protocols.exchange.limits import MAX_BITFIELD
from protocols.geometry import Geometry
from tests.protocols.exchange_pair import CID, LIMIT, connect


def test_a_greedy_peer_costs_less_than_two_mebibytes():
    geometry = Geometry(1 << 20, (8 * MAX_BITFIELD << 20,))  # as many chunks as there can be
    everything = BitfieldMessage(b"\xff" * MAX_BITFIELD)
    asked = [Request(5_000 + 7 * n, n, 1) for n in range(MAX_REQUESTS)] + [
        GetMeta(n, 0) for n in range(MAX_META_REQUESTS)
    ]
    stream = b"".join(b"".join(encode(message)) for message in (everything, *asked, Data(0, 0, b"x" * MAX_DATA)))
    tracemalloc.start()
    try:
        here = connect(None)
        here.receive_data(b"".join(encode(Hello(1, CID, LIMIT))))
        here.send(here.hello())
        here.set_geometry(geometry)
        here.send(everything)
        heard = 0
        for start in range(0, len(stream) - 1, 1_000):  # all but the last byte of DATA
            heard += len(here.receive_data(stream[start : min(start + 1_000, len(stream) - 1)]))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert heard == 1 + MAX_REQUESTS + MAX_META_REQUESTS
    assert held < 2 << 20
