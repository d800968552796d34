"""Two implementations, one page: whatever is nearly right is judged alike by Python and Go.

A difference is a rule that the page doesn't state clearly, or that one side breaks.
"""

from __future__ import annotations

import json
import random
from itertools import islice

import pytest
import questions
import questions_of_catalogues
import questions_of_search
from questions import Question

from protocols.cid import CidError
from protocols.errors import ProtocolError
from protocols.link import LinkError

COUNTS = {
    "cid": 2000,
    "link": 2000,
    "manifest": 2000,
    "payload": 3000,
    "conversation": 200,
    "name": 4000,
    "query": 1000,
    "answer": 2000,
    "page": 1000,
    "head": 1000,
    "catalogue": 3000,
}

GENERATORS = questions.GENERATORS | questions_of_search.GENERATORS | questions_of_catalogues.GENERATORS
JUDGES = questions.JUDGES | questions_of_search.JUDGES | questions_of_catalogues.JUDGES


def verdict(question: Question) -> str | None:
    """Python's: the canonical spelling, or None for a refusal."""
    try:
        return JUDGES[question["kind"]](question)
    except (CidError, LinkError, ProtocolError):
        return None


def asked(kind: str, seed: int) -> list[Question]:
    """Questions of one kind."""
    return list(islice(GENERATORS[kind](random.Random(seed)), COUNTS[kind]))


@pytest.mark.parametrize("kind", COUNTS)
def test_python_and_go_judge_alike(here, kind):
    seed = 1
    asked_of_both = asked(kind, seed)
    go = here.go("check")
    for question in asked_of_both:
        go.say(json.dumps(question))
    go.process.stdin.close()
    assert go.finish() == 0, go.words()
    ours = [verdict(question) for question in asked_of_both]
    assert len(go.events) == len(ours)
    different = [
        f"{question}\n  Python: {our!r}\n  Go: {their}"
        for question, our, their in zip(asked_of_both, ours, go.events, strict=True)
        if their.get("value") != our
    ]
    assert not different, f"{len(different)} of {len(ours)}, seed {seed}:\n" + "\n".join(different[:10])[:6000]
    refused = ours.count(None)
    assert kind == "name" or len(ours) // 100 < refused < len(ours) * 99 // 100  # of each enough to mean something
