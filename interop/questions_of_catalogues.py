"""What may be right or wrong of a catalogue: pages, sealed heads and messages with something changed.

Rules: those of `questions`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from questions import Question, changed, load
from questions_of_search import unframed

from protocols.catalog import decode, decode_page, encode, encode_page, unseal


def nearly(kind: str, originals: Callable[[], list[bytes]]) -> Callable[[random.Random], Iterator[Question]]:
    """Questions of a kind: bytes that are right, often with something changed."""

    def generate(rng: random.Random) -> Iterator[Question]:
        right = originals()
        while True:
            data = rng.choice(right)
            if data := data if rng.random() < 0.1 else changed(data, rng):
                yield {"kind": kind, "text": data.hex()}

    return generate


def of_vectors(group: str, field: str) -> list[bytes]:
    """The vectors' bytes that are right."""
    return [bytes.fromhex(vector[field]) for vector in load("catalog")[group]]


def judge_page(question: Question) -> str:
    """The same block: there is one encoding."""
    return encode_page(decode_page(bytes.fromhex(question["text"]))).hex()


def judge_head(question: Question) -> str:
    """What it says and who."""
    head = unseal(bytes.fromhex(question["text"]))
    return f"{head.publisher} {head.seq} {head.count} {len(head.pages)} {head.issued} {head.expires}"


def judge_message(question: Question) -> str:
    """The whole frame of what it says, nothing if it is to be ignored."""
    message = decode(bytes.fromhex(question["text"]))
    return "" if message is None else encode(message).hex()


JUDGES: dict[str, Callable[[Question], str]] = {"page": judge_page, "head": judge_head, "catalogue": judge_message}
GENERATORS = {
    "page": nearly("page", lambda: of_vectors("pages", "block")),
    "head": nearly("head", lambda: of_vectors("heads", "sealed")),
    "catalogue": nearly("catalogue", lambda: [unframed(frame) for frame in of_vectors("messages", "frame")]),
}
