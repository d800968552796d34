"""Yamux sessions: two fair ones against a model, and one against a peer that says anything."""

from __future__ import annotations

import random
import sys

from protocols.errors import RemoteProtocolError
from protocols.yamux import Session, StreamOpened
from protocols.yamux.frames import encode_header
from protocols.yamux.limits import INITIAL_WINDOW, MAX_ANSWERS, MAX_INBOUND_STREAMS, MAX_UNREAD
from tests.fuzz.loop import run
from tests.protocols.test_yamux_machine import TwoSessions

SIZES = [1, 100, 4096, 65_507, 65_508, 300_000, 1 << 24]
LENGTHS = [0, 1, 50, INITIAL_WINDOW, INITIAL_WINDOW + 1, 2**31, 2**32 - 1]


def fair(rng: random.Random) -> None:
    """Two sessions and a link: many steps of the machine that Hypothesis takes few of."""
    machine = TwoSessions()
    for _ in range(rng.choice([50, 300])):
        step(rng, machine)
        machine.books_agree()
    machine.settle_and_compare()


def step(rng: random.Random, machine: TwoSessions) -> None:
    """Something that one side does, or the link, or time."""
    is_client, which, size = rng.random() < 0.5, rng.randrange(1 << 30), rng.choice(SIZES)
    match rng.randrange(8):
        case 0:
            machine.open(is_client)
        case 1:
            machine.write(is_client, which, min(size, 300_000))
        case 2:
            machine.take(is_client, which, size)
        case 3:
            machine.end(is_client, which, rng.choice(["finish", "close", "reset", "stop"]))
        case 4:
            machine.send(is_client, size)
        case 5:
            machine.deliver(is_client, size)
        case 6:
            machine.pass_time(rng.random() * 5)
        case 7:
            machine.settle_and_compare()


def hostile(rng: random.Random) -> None:
    """Frames of the right form in the wrong places, and some of the wrong form."""
    session = Session(is_client=rng.random() < 0.5, now=0.0)
    streams = [session.open_stream() for _ in range(rng.randrange(4))]
    try:
        for now in range(200):
            wire = frame(rng) if rng.random() < 0.98 else rng.randbytes(rng.randrange(40))
            size = rng.choice([1 << 20, 7])
            for start in range(0, len(wire), size):
                for event in session.receive_data(wire[start : start + size], float(now)):
                    if isinstance(event, StreamOpened) and rng.random() < 0.5:
                        session.accept(event.stream)
                        streams.append(event.stream)
            if streams and rng.random() < 0.3:
                act(rng, session, streams, float(now))
            assert session.unread == sum(stream.unread for stream in session.streams) <= MAX_UNREAD
            assert len(session.streams) <= MAX_INBOUND_STREAMS + 4
    except RemoteProtocolError:
        assert len(session.data_to_send(1 << 20)) == 12
    assert len(session.data_to_send(1 << 30)) < 12 * (MAX_ANSWERS + 3 * MAX_INBOUND_STREAMS) + 4 * len(streams) * 1000


def frame(rng: random.Random) -> bytes:
    """One frame; streams that exist are likely, and so is payload of the length announced."""
    type_, flags = rng.choice([0, 0, 0, 1, 1, 2, 3, rng.randrange(256)]), rng.choice([0, 0, 0, 0, 1, 2, 4, 8, 15])
    stream_id = rng.choice([0, 1, 2, 3, 4, rng.randrange(40), rng.randrange(2**32)])
    length = rng.choice([*LENGTHS, *range(9)])
    payload = bytes(min(length, 1 << 19)) if type_ == 0 and rng.random() < 0.95 else b""
    return encode_header(type_, flags, stream_id, length) + payload


def act(rng: random.Random, session: Session, streams: list, now: float) -> None:
    """What an application might do meanwhile."""
    stream = rng.choice(streams)
    match rng.randrange(5):
        case 0 if not stream.is_reset and not stream.is_send_closed:
            session.write(stream, bytes(rng.randrange(1000)))
        case 1 if not stream.is_reset:
            session.close(stream, now)
        case 2:
            session.reset(stream)
        case 3:
            session.read(stream, 1 << 20, now)
        case _:
            session.stop_reading(stream)


def case(rng: random.Random) -> None:
    """One of the two."""
    (fair if rng.random() < 0.3 else hostile)(rng)


if __name__ == "__main__":
    run("yamux", case, sys.argv[1:])
