"""The commands that choose how files are treated, and what they read of what people type."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from node.commands.rates import rate


@pytest.mark.parametrize(
    ("text", "bps"),
    [
        ("20MB", 20e6),
        ("20 MB/s", 20e6),
        ("500kB", 500e3),
        ("1.5MiB", 1.5 * 1024**2),
        ("300", 300),
        ("7k", 7000),
        ("0", 0),
        ("off", None),
        ("None", None),
    ],
)
def test_a_rate_is_read_as_people_type_it(text, bps):
    assert rate(text).bps == bps


@pytest.mark.parametrize("text", ["", "fast", "-5MB", "20 apples", "1e9", "MB", "1..5k", "9" * 30])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="which is like 20MB"):
        rate(text)


SEE = "see: shoal limit --help\n"


def test_limits_are_set_and_told_in_words(inside, node):
    code, out, _ = inside("limit", "--up", "20MB", "--down", "off")
    assert code == 0
    assert out == "20000000\toff\n"
    assert node.wait_for_call("limit") == {"up_bps": 20e6, "down_bps": None}


def test_without_numbers_nothing_is_changed(inside, node):
    code, _, _ = inside("limit", "2")
    assert code == 0
    assert node.wait_for_call("limit") == {"target": "2"}


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("down 2MB", {"down_bps": 2e6}),
        ("up off", {"up_bps": None}),
        ("2 down 500kB", {"target": "2", "down_bps": 500e3}),
        ("#2 up 0", {"target": "2", "up_bps": 0}),
        ("2 --up 1MB", {"target": "2", "up_bps": 1e6}),
        ("--up 1MB 2", {"target": "2", "up_bps": 1e6}),
    ],
)
def test_a_limit_may_be_said_in_words(inside, node, words, asked):
    assert inside("limit", *words.split())[0] == 0
    assert node.wait_for_call("limit") == asked


@pytest.mark.parametrize("words", ["down", "2 down", "2 sideways 1MB", "1 2 down 1MB", "down fast", "down 1MB 2"])
def test_words_that_say_no_limit_are_a_mistake_of_usage(inside, node, words):
    assert inside("limit", *words.split())[0] == 2
    assert node.calls.empty()


def test_a_wrong_rate_is_a_mistake_of_usage(inside, node):
    code, _, err = inside("limit", "--up", "fast")
    assert code == 2
    assert err == "shoal: argument --up: 'fast' isn't a rate, which is like 20MB, 500kB, 1.5MiB or off; " + SEE
    assert node.calls.empty()


def test_priorities_are_changed_by_words_for_files(inside, node):
    code, out, _ = inside("priority", "3", "skip", "docs", "*.txt", "--sequential")
    assert code == 0
    called = {"target": "3", "priority": "skip", "files": ["docs", "*.txt"], "sequential": True}
    assert node.wait_for_call("priority") == called
    assert out == "#3 linux.iso: 1 of 1 file, 2.5 GB, rarest first\n"


def test_priorities_are_told_file_by_file(inside, node):
    code, out, _ = inside("priority", "3")
    assert code == 0
    assert node.wait_for_call("info")["target"] == "3"
    assert "normal\tlinux.iso" in out


def test_an_unknown_priority_is_a_mistake_of_usage(inside, node):
    code, _, err = inside("priority", "3", "urgent")
    assert code == 2
    assert "high" in err
    assert node.calls.empty()


def test_get_takes_files_and_order_along(inside, node):
    code, _, _ = inside("get", "bafyreix", "--only", "docs", "--only", "*.txt", "--sequential", "--detach")
    assert code == 0
    called = node.wait_for_call("get")
    assert (called["only"], called["sequential"]) == (["docs", "*.txt"], True)
