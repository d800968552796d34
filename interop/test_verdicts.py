"""Two implementations, one page: whatever is nearly right is judged alike by Python and Go.

A difference is a rule that the page doesn't state clearly, or that one side breaks.
"""

from __future__ import annotations

import json
import random
from itertools import islice

import pytest
from questions import GENERATORS, Question, verdict

COUNTS = {"cid": 2000, "link": 2000, "manifest": 2000, "payload": 3000, "conversation": 200}


def asked(kind: str, seed: int) -> list[Question]:
    """Questions of one kind."""
    return list(islice(GENERATORS[kind](random.Random(seed)), COUNTS[kind]))


@pytest.mark.parametrize("kind", COUNTS)
def test_python_and_go_judge_alike(here, kind):
    seed = 1
    questions = asked(kind, seed)
    go = here.go("check")
    for question in questions:
        go.say(json.dumps(question))
    go.process.stdin.close()
    assert go.finish() == 0, go.words()
    ours = [verdict(question) for question in questions]
    assert len(go.events) == len(ours)
    different = [
        f"{question}\n  Python: {our!r}\n  Go: {their}"
        for question, our, their in zip(questions, ours, go.events, strict=True)
        if their.get("value") != our
    ]
    assert not different, f"{len(different)} of {len(ours)}, seed {seed}:\n" + "\n".join(different[:10])[:6000]
    assert len(ours) // 100 < ours.count(None) < len(ours) * 99 // 100  # of each verdict enough to mean something
