"""Every other decoder that hears strangers: any bytes give a value or the one error that it documents."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

from node.control.wire import MAX_REQUEST, LineDecoder, parse_request
from node.net import kad_messages
from protocols import catalog
from protocols.cid import DAG_CBOR, Cid, CidError
from protocols.errors import RemoteProtocolError
from protocols.exchange import Connection
from protocols.link import LinkError, parse_target
from protocols.manifest import decode
from protocols.search import Answering, Asking, Query
from tests.fuzz.loop import run

VECTORS = Path(__file__).parents[2] / "interop" / "vectors"


def seeds() -> list[bytes]:
    """Everything in hex in the vectors: valid messages and manifests to spoil."""
    found: list[bytes] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for member in value.values():
                walk(member)
        elif isinstance(value, list):
            for member in value:
                walk(member)
        elif isinstance(value, str) and len(value) > 8 and len(value) % 2 == 0:
            try:
                found.append(bytes.fromhex(value))
            except ValueError:
                return

    for path in sorted(VECTORS.glob("*.json")):
        walk(json.loads(path.read_text()))
    return found


SEEDS = seeds()


def spoilt(rng: random.Random) -> bytes:
    """Random bytes, or valid ones with a few of them changed, cut out or doubled."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(3):
            case 0:
                data[at : at + 1] = rng.randbytes(1)
            case 1:
                del data[at : at + rng.randrange(4)]
            case _:
                data[at:at] = data[at : at + rng.randrange(20)]
    return bytes(data)


def conversation(data: bytes) -> None:
    connection = Connection(None, request_limit=1 << 20, max_manifest_size=1 << 23, max_page_size=1 << 19)
    for start in range(0, len(data), 37):
        connection.receive_data(data[start : start + 37])
    connection.receive_eof()


def catalogue(data: bytes) -> None:
    answering = catalog.Answering()
    for start in range(0, len(data), 37):
        answering.receive_data(data[start : start + 37])
    answering.receive_eof()


def search(data: bytes) -> None:
    asking = Asking(Query("linux"))
    for start in range(0, len(data), 37):
        asking.receive_data(data[start : start + 37])
    asking.receive_eof()


def control(data: bytes) -> None:
    for line in LineDecoder(MAX_REQUEST).feed(data + b"\n"):
        parse_request(line)


TARGETS: tuple[tuple[Callable[[bytes], object], type[Exception] | tuple[type[Exception], ...]], ...] = (
    (decode, RemoteProtocolError),
    (conversation, RemoteProtocolError),
    (catalogue, RemoteProtocolError),
    (catalog.decode_page, RemoteProtocolError),
    (catalog.unseal, RemoteProtocolError),
    (search, RemoteProtocolError),
    (lambda data: Answering().receive_data(data), RemoteProtocolError),
    (lambda data: Cid.from_bytes(data, codecs=(DAG_CBOR,)), CidError),
    (lambda data: parse_target(data.decode("latin-1")), LinkError),
    (kad_messages.decode, RemoteProtocolError),
    (control, ()),
)


def case(rng: random.Random) -> None:
    """One input for each decoder."""
    data = spoilt(rng)
    for target, error in TARGETS:
        try:
            target(data)
        except error:
            continue


if __name__ == "__main__":
    run("decoders", case, sys.argv[1:])
