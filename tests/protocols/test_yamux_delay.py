"""How fast windows let one stream be over a long path, in virtual time: the protocol's share of the speed alone."""

from __future__ import annotations

from collections import deque

import pytest

from protocols.yamux import Session
from protocols.yamux.limits import MAX_STREAM_WINDOW
from tests.protocols.yamux_pair import opened

STEP_S = 0.001
RATE = 500e6  # bytes per second that the path carries
SIZE = 100_000_000
STOCK_MB_S = {20: 147, 50: 110, 100: 85}  # by ms of round trip: what py-libp2p's yamux reached, its own work included


class Path:
    """Two sessions and what is on its way between them, each way half a round trip long."""

    def __init__(self, round_trip_s: float) -> None:
        self.now = 0.0
        self.delay_s = round_trip_s / 2
        self.client = Session(is_client=True, now=0.0)
        self.server = Session(is_client=False, now=0.0)
        self.under_way: dict[Session, deque[tuple[float, bytes]]] = {self.client: deque(), self.server: deque()}
        self.events: list = []

    def step(self) -> None:
        """A millisecond."""
        self.now += STEP_S
        for session, other in ((self.client, self.server), (self.server, self.client)):
            self.events += session.tick(self.now)
            data = session.data_to_send(int(RATE * STEP_S))
            if data:
                self.under_way[other].append((self.now + self.delay_s, data))
            while self.under_way[session] and self.under_way[session][0][0] <= self.now:
                self.events += session.receive_data(self.under_way[session].popleft()[1], self.now)


@pytest.mark.parametrize("round_trip_ms", STOCK_MB_S)
def test_a_long_path_is_filled_sooner_than_by_the_stock_layer(round_trip_ms: int):
    path = Path(round_trip_ms / 1000)
    for _ in range(1000):  # the path's length is known before bulk data comes, as after a connection's first second
        path.step()
    ours = path.client.open_stream()
    path.client.write(ours, bytes(SIZE))
    began, read, theirs = path.now, 0, None
    while read < SIZE:
        path.step()
        if theirs is None:
            (theirs,) = opened(path.events) or (None,)
        else:
            read += len(path.server.read(theirs, SIZE, path.now))
    assert theirs is not None
    assert SIZE / (path.now - began) / 1e6 > STOCK_MB_S[round_trip_ms]
    assert theirs.window_size <= MAX_STREAM_WINDOW
