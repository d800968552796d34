"""`shoal search`: the user's screen, rows for a pipe, events for a program, and what to do when nothing is found."""

from __future__ import annotations

import io
from dataclasses import replace

import pyte
import pytest

from node.commands.output import Output
from node.status import to_json
from node.ui.layout import terminal_lines
from node.ui.search_screen import search_results
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


def test_two_places_to_look_are_a_mistake(inside, node):
    """Whoever means to ask nobody is not to ask somebody for the order of two words."""
    code, _, err = inside("search", "linux", "--local", "--peers")
    assert code == 2
    assert "--local asks nobody" in err
    assert node.calls.empty()


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


def test_the_search_that_goes_on_is_stopped_and_says_what_it_has_found(inside, node):
    node.handlers["search_stop"] = node.answer(to_json(replace(LINUX, is_stopped=True)))
    code, out, _ = inside("search", "--stop")
    assert (code, out) == (0, 'Stopped the search for "linux"; 3 hits found\n')
    code, _, err = inside("search", "--stop", "linux")
    assert code == 2
    assert "takes no words" in err


def test_a_search_that_was_stopped_says_so(inside, node):
    node.handlers["search"] = node.answer(to_json(replace(LINUX, is_stopped=True)))
    code, out, err = inside("search", "linux")
    assert (code, len(out.splitlines())) == (0, 4)
    assert "The search was stopped after 0.4 s; it asked 16 of 37" in err


def test_a_search_for_nothing_is_a_mistake(inside, node):
    code, _, err = inside("search")
    assert code == 2
    assert "what to search for?" in err
    assert node.calls.empty()


class Terminal(io.StringIO):
    """A terminal of 80 by 24 cells, as a stream."""

    def isatty(self) -> bool:
        return True

    def shown(self) -> list[str]:
        screen = pyte.Screen(80, 24)
        pyte.Stream(screen).feed(self.getvalue().replace("\n", "\r\n"))
        return [line.rstrip() for line in screen.display if line.strip()]


@pytest.mark.parametrize("hits", [HITS, tuple(replace(HITS[0], number=n) for n in range(1, 60))])
def test_on_a_terminal_the_screen_grows_and_is_replaced_by_the_last(hits):
    terminal = Terminal()
    output = Output(terminal, io.StringIO(), {"TERM": "xterm"})
    before = replace(LINUX, hits=hits[:1], is_over=False, is_checked=False)
    assert output.live(search_results(before, is_final=False))
    assert terminal.shown()[-1] == "1 found, 18 of 18 peers done"
    assert output.live(search_results(replace(before, hits=hits[:2]), is_final=False))
    assert sum("Search Results" in line for line in terminal.shown()) == 1
    output.screens([], search_results(replace(LINUX, hits=hits)))
    whole = terminal_lines(search_results(replace(LINUX, hits=hits)), 80)
    shown = terminal.shown()
    assert shown == [line.rstrip() for line in whole][-len(shown) :]


@pytest.mark.parametrize(("stdout", "environ", "quiet"), [
    (io.StringIO(), {"TERM": "xterm"}, False),
    (Terminal(), {"TERM": "dumb"}, False),
    (Terminal(), {"TERM": "xterm"}, True),
])  # fmt: skip
def test_where_no_cursor_moves_only_the_last_is_shown(stdout, environ, quiet):
    output = Output(stdout, io.StringIO(), environ, quiet=quiet)
    assert not output.live(search_results(LINUX))
    assert stdout.getvalue() == ""
