"""Listings for programs and people: which rows in which order, exact paths, and colours where they are wanted."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import pytest

from node.commands.table import SORTS
from node.ui.rows import SORTS as ROW_SORTS


@pytest.fixture
def rows_of(inside):
    """The numbers of a listing's rows."""
    return lambda *words: [line.split("\t")[0] for line in inside(*words, "--no-header")[1].splitlines()]


def test_rows_in_another_order_and_only_some_of_them(rows_of, node):
    node.items = [replace(item, size=number) for number, item in enumerate(node.items)]
    assert rows_of("list", "--sort", "size") == ["3", "2", "1"]
    assert rows_of("list", "--filter", "iso") == ["1", "3"]
    assert rows_of("list", "--filter", "Compl") == rows_of("list", "--filter", "bafyreie") == ["2"]
    assert rows_of("uploads", "--sort", "name", "--filter", "UBU") == ["1"]
    assert set(SORTS) == set(ROW_SORTS)


def test_exact_paths_are_for_programs(shoal, node, tmp_path):
    path = "/srv/" + os.fsdecode(b"caf\xe9\n\x1b[2J")
    node.items[1] = replace(node.items[1], path=path)
    expected = b"/srv/ubuntu.iso\0" + os.fsencode(path) + b"\0/here/linux.iso\0"
    assert shoal("list", "-0", text=False) == (0, expected, b"")
    assert shoal("list", "--print0", "--no-header", text=False)[1] == expected
    assert shoal("info", "2", "-0", text=False)[1] == os.fsencode(path) + b"\0"
    assert shoal("uploads", "-0", text=False)[1] == b"/srv/ubuntu.iso\0"
    assert shoal("get", "bafyreix", "-0", "-q", text=False) == (0, os.fsencode(tmp_path) + b"/linux.iso\0", b"")


def test_exact_paths_that_nobody_can_take_are_refused_before_anything_is_done(shoal, node):
    code, stdout, stderr = shoal("get", "bafyreix", "-0", "--json")
    assert (code, json.loads(stdout.splitlines()[0])["code"]) == (2, 2)
    assert "xargs -0" in stderr
    assert node.calls.empty()


def test_exact_paths_that_cannot_be_written_are_a_storage_error(shoal):
    with open("/dev/full", "w") as full:
        assert shoal("list", "-0", stdout=full)[0] == 7


@pytest.mark.parametrize(
    ("words", "environ_more", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "never"], {"CLICOLOR_FORCE": "1"}, False),
    ],
)
def test_a_pipe_gets_colours_only_if_they_are_wanted(shoal, environ, words, environ_more, coloured):
    code, stdout, _ = shoal("list", *words, env={**environ, **environ_more})
    assert code == 0
    assert ("\x1b[" in stdout) is coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", stdout) == shoal("list")[1]


def test_a_mistake_is_coloured_where_that_is_wanted_and_json_never(shoal):
    assert shoal("info", "99", "--color", "always")[2].startswith("\x1b[")
    assert "\x1b" not in shoal("list", "--json", "--color", "always")[1]
