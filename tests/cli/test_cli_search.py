"""`shoal search`: the user's screen, rows for a pipe, events for a program, and what to do when nothing is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.status import to_json
from tests.searches import HITS, LINUX, NOTHING


def test_hits_are_rows_in_a_pipe(inside, node):
    code, out, err = inside("search", "linux")
    assert code == 0
    assert out.splitlines()[1].split("\t") == ["1", "linux.iso", "2.5 GB", "12", "Available", "peers", HITS[0].cid]
    assert node.wait_for_call("search") == {"text": "linux", "scope": "all"}
    assert "asked 16 of 37 connected peers" in err


@pytest.mark.parametrize(
    ("words", "params"),
    [
        (("two", "words"), {"text": "two words", "scope": "all"}),
        (("linux", "--local"), {"text": "linux", "scope": "local"}),
        (("linux", "--peers", "--timeout", "9"), {"text": "linux", "scope": "peers", "patience_s": 9.0}),
    ],
)
def test_where_and_how_long_to_look(inside, node, words, params):
    inside("search", *words)
    assert node.wait_for_call("search") == params


def test_json_streams_the_hits_as_they_come_and_then_tells_each(inside, node, events):
    async def search(call):
        await call.progress(to_json(replace(LINUX, is_over=False, hits=HITS[:1])))
        return to_json(LINUX)

    node.handlers["search"] = search
    code, out, _ = inside("search", "linux", "--json")
    *progress, first, second, third, done = events(out)
    assert code == done["code"] == 0
    assert [event["event"] for event in (first, second, third)] == ["result"] * 3
    assert [row["number"] for row in (first, second, third)] == [1, 2, 3]
    told = [hit["number"] for event in progress for hit in event["hits"]]
    assert told == [1, 2, 3]  # each once
    assert progress[-1]["asked"][0]["reply"] == "answered"


def test_nothing_found_is_exit_code_4_and_says_whom_it_asked(inside, node):
    node.handlers["search"] = node.answer(to_json(NOTHING))
    code, _, err = inside("search", "obscure", "words")
    assert code == 4
    assert "asked 1 of 1 connected peer; the DHT named nobody for 'obscure', 'words'; 1 answered" in err
