"""Noise messages, valid and spoilt, cut anywhere: what was sealed comes out, or an error, and nothing piles up."""

from __future__ import annotations

import random
import sys

from protocols.errors import RemoteProtocolError
from protocols.noise import MAX_MESSAGE, Decryptor, Encryptor
from tests.fuzz.loop import run


def case(rng: random.Random) -> None:
    """One conversation, perhaps with a few bytes changed, left out or added on the way."""
    key = rng.randbytes(32)
    encryptor, decryptor = Encryptor(key), Decryptor(key)
    pieces = [rng.randbytes(rng.choice([0, 1, 100, 65_519, 65_520, rng.randrange(200_000)])) for _ in range(4)]
    sent = b"".join(pieces)
    wire = bytearray(b"".join(map(encryptor.encrypt, pieces)))
    is_spoilt = bool(wire) and rng.random() < 0.5
    if is_spoilt:
        spoil(rng, wire)
    got = b""
    try:
        while wire:
            cut = rng.choice([1, 2, 17, 65_537, len(wire)])
            got += b"".join(decryptor.receive_data(bytes(wire[:cut])))
            del wire[:cut]
            assert len(decryptor._unfinished) <= 2 + MAX_MESSAGE
    except RemoteProtocolError:
        assert is_spoilt
    assert sent.startswith(got)
    assert is_spoilt or got == sent


def spoil(rng: random.Random, wire: bytearray) -> None:
    """Changes, drops or adds a byte somewhere."""
    at = rng.randrange(len(wire))
    match rng.randrange(3):
        case 0:
            wire[at] ^= 1 << rng.randrange(8)
        case 1:
            del wire[at]
        case 2:
            wire.insert(at, rng.randrange(256))


if __name__ == "__main__":
    run("noise", case, sys.argv[1:])
