"""What may be right or wrong of a search: names to be cut into tokens, and messages with something changed.

Rules: those of `questions`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from questions import Question, changed, load

from protocols.framing import decode_uvarint
from protocols.search.codec import decode_answer, decode_query, encode
from protocols.search.tokens import keywords, tokens_of_name, tokens_of_query

SCRIPTS = (
    (0x20, 0x7F), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x800), (0x900, 0x1400), (0x13A0, 0x1400),
    (0x1E00, 0x2100), (0x2460, 0x2500), (0x3000, 0x3200), (0x4E00, 0x4F00), (0xA000, 0xABFF), (0xAC00, 0xAD00),
    (0xF900, 0x10000), (0x1D400, 0x1D500), (0x1E900, 0x1E960), (0x20000, 0x20100), (0x30000, 0x33000),
)  # fmt: skip
"""Where names are taken from: letters, marks, digits, what normalises to others, and what no Unicode 14.0 knows."""


def names(rng: random.Random) -> Iterator[Question]:
    """Names of one script or several, some with an extension."""
    while True:
        scripts = rng.choices(SCRIPTS, k=rng.randint(1, 2))
        name = "".join(chr(rng.randrange(*rng.choice(scripts))) for _ in range(rng.randint(1, 12)))
        name += rng.choice(("", "", " the of", ".PDF", ".tar.gz", "12", "3", ".", " ext:mp4"))
        if name.isprintable() and name.encode(errors="replace").decode() == name:
            yield {"kind": "name", "text": name}


def searches(kind: str) -> Callable[[random.Random], Iterator[Question]]:
    """Bytes that are nearly messages of a search."""

    def generate(rng: random.Random) -> Iterator[Question]:
        vectors = load("search")["messages"]
        payloads = [unframed(bytes.fromhex(vector["frame"])) for vector in vectors if vector["kind"] == kind]
        while True:
            yield {"kind": kind, "text": changed(rng.choice(payloads), rng).hex()}

    return generate


def unframed(frame: bytes) -> bytes:
    """A frame without its length."""
    _, at = decode_uvarint(frame, 0)
    return frame[at:]


def judge_name(question: Question) -> str:
    """Its tokens, its keywords, and its tokens if it were a query."""
    tokens = tokens_of_name(question["text"])
    judged = [tokens, keywords(tokens), tokens_of_query(question["text"])]
    return json.dumps([list(some) for some in judged], ensure_ascii=False, separators=(",", ":"))


def judge_search(decode: Callable[[bytes], Any]) -> Callable[[Question], str]:
    """What is written of a message that is read."""
    return lambda question: encode(decode(bytes.fromhex(question["text"]))).hex()


JUDGES: dict[str, Callable[[Question], str]] = {
    "name": judge_name,
    "query": judge_search(decode_query),
    "answer": judge_search(decode_answer),
}
GENERATORS = {"name": names, "query": searches("query"), "answer": searches("answer")}
