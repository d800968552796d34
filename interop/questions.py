"""Things that may be right or wrong by the pages, and Python's verdicts on them: vectors with something changed, and
conversations that are legal up to somewhere.

Rules: made from a seed, which names a failing case; a verdict is the canonical spelling, or None for a refusal.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cbrrr

from protocols.bitfield import Bitfield
from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import ProtocolError
from protocols.exchange import (
    BitfieldMessage,
    Bye,
    ByeReason,
    Cancel,
    Connection,
    Data,
    GetMeta,
    Have,
    KnownPeer,
    Message,
    Meta,
    Peers,
    Reject,
    RejectMeta,
    RejectReason,
    Request,
    decode,
    encode,
)
from protocols.geometry import Geometry
from protocols.link import Link
from protocols.manifest import decode as decode_manifest

VECTORS = Path(__file__).parent / "vectors"
Question = dict[str, Any]
CHUNK = 65_536
FILE_SIZES = (2 * CHUNK + 40_000, 0, 3_000)
LENGTHS = (16_384, 32_768, 1, 40_000, CHUNK)
MANIFEST_CID = Cid.of(DAG_CBOR, b"a manifest")
LONGEST_WALK = 40


def load(name: str) -> Any:
    """One file of vectors."""
    return json.loads((VECTORS / f"{name}.json").read_text())


def changed(data: bytes, rng: random.Random) -> bytes:
    """The bytes with one to three of them changed, inserted, doubled or lost."""
    mutable = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(mutable) + 1)
        match rng.randrange(4):
            case 0:
                mutable[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                mutable.insert(at, rng.choice(b"\x00\x01\x7f\x80\xff%&=?/.-"))
            case 2:
                del mutable[at : at + rng.randint(1, 4)]
            case 3:
                mutable[at:at] = mutable[at : at + rng.randint(1, 8)]
    return bytes(mutable)


def cids(rng: random.Random) -> Iterator[Question]:
    """Texts that are nearly CIDs."""
    good = load("cids")["good"]
    while True:
        vector = rng.choice(good)
        text = vector[rng.choice(("cid", "upper", "base58"))]
        yield {"kind": "cid", "text": changed(text.encode(), rng).decode("latin-1")}


def links(rng: random.Random) -> Iterator[Question]:
    """Texts that are nearly links."""
    vectors = load("links")
    texts = [vector["link"] for vector in vectors["good"] + vectors["bad"]]
    while True:
        yield {"kind": "link", "text": changed(rng.choice(texts).encode(), rng).decode("latin-1")}


def manifests(rng: random.Random) -> Iterator[Question]:
    """Blocks that are nearly manifests: other bytes, or other values in good CBOR."""
    blocks = [bytes.fromhex(vector["block"]) for vector in load("manifests")["good"] if vector["block"]]
    while True:
        block = rng.choice(blocks)
        if rng.random() < 0.5:
            block = changed(block, rng)
        else:
            tree = cbrrr.decode_dag_cbor(block)
            change_value(tree, rng)
            block = cbrrr.encode_dag_cbor(tree)
        yield {"kind": "manifest", "text": block.hex()}


def change_value(tree: Any, rng: random.Random) -> None:
    """Another value somewhere in the tree."""
    odd = ("", ".", "..", "a/b", "é", 0, 1, -1, 2**20, 2**25, True, None, b"", bytes(32), [], [["a"]], {}, "x" * 256)
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = tree[key]
        if not isinstance(inner, dict | list) or rng.random() < 0.3:
            doubled = [*inner, *inner] if isinstance(inner, list) else inner
            tree[key] = copy.deepcopy(rng.choice(odd)) if rng.random() < 0.7 else doubled
            return
        tree = inner


def payloads(rng: random.Random) -> Iterator[Question]:
    """Bytes that are nearly messages."""
    vectors = load("exchange")["messages"] + load("exchange_peers")["messages"]
    frames = [bytes.fromhex(vector["frame"]) for vector in vectors]
    while True:
        frame = rng.choice(frames)
        payload = frame[1 if frame[0] < 0x80 else 2 :]
        if payload := changed(payload, rng):
            yield {"kind": "payload", "text": payload.hex()}


def conversations(rng: random.Random) -> Iterator[Question]:
    """Frames of two sides, each legal for its sender but perhaps the last."""
    while True:
        sides = {"opener": connection(MANIFEST_CID), "acceptor": connection(None)}
        steps: list[dict[str, str]] = []
        for _ in range(rng.randint(1, LONGEST_WALK)):
            side = rng.choice(list(sides))
            message = pick(sides[side], rng, legal=True)
            if message is None:
                continue
            steps.append(step(side, message))
            play(sides, side, message)
            if isinstance(message, Bye):
                break
        side = rng.choice(list(sides))
        if (message := pick(sides[side], rng, legal=False)) is not None:
            steps.append(step(side, message))
        yield {"kind": "conversation", "chunk_size": CHUNK, "file_sizes": FILE_SIZES, "steps": steps}


def step(side: str, message: Message) -> dict[str, str]:
    """One frame and who sends it."""
    return {"from": side, "frame": b"".join(encode(message)).hex()}


def play(sides: dict[str, Connection], side: str, message: Message) -> None:
    """A side says something, and the other one hears it; raises ProtocolError if that one refuses."""
    (other,) = (connection for name, connection in sides.items() if name != side)
    sides[side].send(message)
    other.receive_data(b"".join(encode(message)))


def connection(cid: Cid | None) -> Connection:
    """One side, which knows the manifest."""
    made = Connection(cid, request_limit=1 << 20, max_manifest_size=8 << 20, max_page_size=512 << 10)
    made.set_geometry(Geometry(CHUNK, FILE_SIZES))
    return made


def pick(side: Connection, rng: random.Random, *, legal: bool) -> Message | None:
    """Something to say; None if nothing that is legal comes to mind."""
    for _ in range(60):
        try:
            message = any_message(side, rng)
            if legal:
                copy.deepcopy(side).send(message)
        except ProtocolError:
            continue
        if not legal or not isinstance(message, Bye) or rng.random() < 0.05:
            return message
    return None


def any_message(side: Connection, rng: random.Random) -> Message:
    """A message from a small world, so that answers meet questions."""
    chunk, offset, length = rng.randrange(5), rng.choice((0, 0, 16_384, 32_768)), rng.choice(LENGTHS)
    total = rng.choice((100, 300_000))
    at = rng.choice((0, 262_144 if total > 262_144 else 0))
    makers: tuple[Callable[[], Message], ...] = (
        lambda: side.hello("walker"),
        lambda: GetMeta(rng.randrange(2), at),
        lambda: Meta(rng.randrange(2), total, at, bytes(min(262_144, total - at))),
        lambda: RejectMeta(rng.randrange(2), RejectReason.UNAVAILABLE),
        lambda: BitfieldMessage(bits(rng)),
        lambda: Have(tuple(rng.sample(range(5), rng.randint(1, 2)))),
        lambda: Request(chunk, offset, length),
        lambda: Request(chunk, offset, length),
        lambda: Data(chunk, offset, bytes(length)),
        lambda: Data(chunk, offset, bytes(length)),
        lambda: Cancel(chunk, offset, length),
        lambda: Reject(chunk, offset, length, rng.choice(list(RejectReason))),
        lambda: Peers((KnownPeer(bytes(34), (b"address",)),)),
        lambda: Bye(ByeReason.FINISHED),
    )
    return rng.choice(makers)()


def bits(rng: random.Random) -> bytes:
    """Some of the four chunks."""
    field = Bitfield(4)
    for chunk in range(4):
        if rng.random() < 0.6:
            field.set(chunk)
    return field.to_bytes() if rng.random() < 0.95 else b"\xff"


def judge_payload(question: Question) -> str:
    """The whole frame of what it says, nothing if it is to be ignored."""
    message = decode(memoryview(bytes.fromhex(question["text"])))
    return "" if message is None else b"".join(encode(message)).hex()


def judge_manifest(question: Question) -> str:
    """The same block: there is one encoding."""
    block = bytes.fromhex(question["text"])
    decode_manifest(block)
    return block.hex()


def judge_conversation(question: Question) -> str:
    """Nothing, if every frame is taken."""
    sides = {"opener": connection(MANIFEST_CID), "acceptor": connection(None)}
    for number, said in enumerate(question["steps"]):
        frame = bytes.fromhex(said["frame"])
        (receiver,) = (side for name, side in sides.items() if name != said["from"])
        receiver.receive_data(frame)
        message = decode(memoryview(frame)[1 if frame[0] < 0x80 else 3 if frame[1] >= 0x80 else 2 :])
        if message is not None and number < len(question["steps"]) - 1:
            sides[said["from"]].send(message)
    return ""


JUDGES: dict[str, Callable[[Question], str]] = {
    "cid": lambda question: str(Cid.parse(question["text"], codecs=(DAG_CBOR, RAW))),
    "link": lambda question: str(Link.parse(question["text"])),
    "manifest": judge_manifest,
    "payload": judge_payload,
    "conversation": judge_conversation,
}
GENERATORS = {
    "cid": cids,
    "link": links,
    "manifest": manifests,
    "payload": payloads,
    "conversation": conversations,
}
