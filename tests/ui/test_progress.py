"""Progress: one line on a terminal, few in a log, events in JSON, and always the last state."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.status import TransferState
from node.ui.progress import (
    JsonProgress,
    PlainProgress,
    Progress,
    ProgressSink,
    TerminalProgress,
    of_item,
    of_work,
    plain_line,
    terminal_line,
)
from node.ui.text import cells
from node.ui.tint import tint_for

HALF = Progress("ubuntu.iso", 1_350_000_000, 2_500_000_000, 54, 795_000_000, 1.4)


@pytest.fixture
def written():
    return []


@pytest.mark.parametrize("width", [30, 50, 80, 120])
def test_the_terminal_line_at_several_widths(golden, width):
    moments = [
        HALF,
        replace(HALF, name="movie 映画 字幕 very long name indeed.mkv", done=123_456_789, percent=4, eta_s=None),
        replace(HALF, name="evil\x1b[2J\rname.exe", reason="2 peers connected, none has chunk 17"),
        replace(HALF, name="photos", done=20_000, total=18_000_000, percent=0, files_done=7, files=6_000),
        replace(HALF, done=2_500_000_000, percent=100, rate=0.0, eta_s=0.0),
    ]
    golden(f"progress-{width}", [terminal_line(moment, width) for moment in moments])


@given(st.text(st.characters()), st.text(st.characters()), st.integers(1, 300), st.integers(0, 10**15))
def test_the_terminal_line_never_wraps_nor_acts(name, reason, width, done):
    line = terminal_line(replace(HALF, name=name, reason=reason, done=done), width)
    assert cells(line) <= max(width - 4, 1)
    assert "\x1b" not in line
    assert "\n" not in line


def test_the_plain_line():
    assert plain_line(HALF) == "ubuntu.iso: 54% (1.4 GB of 2.5 GB) 795 MB/s eta 2s"
    assert plain_line(replace(HALF, reason="no peers\x07")) == "ubuntu.iso: 54% (1.4 GB of 2.5 GB) no peers␇"


def test_a_download_without_its_manifest_is_not_said_to_be_nothing_of_nothing():
    assert plain_line(replace(HALF, done=0, total=0, percent=0)) == "ubuntu.iso: 0% no manifest yet"


def test_a_finished_one_has_no_time_to_wait():
    done = replace(HALF, done=2_500_000_000, percent=100, rate=0.0, eta_s=None)
    assert plain_line(done) == "ubuntu.iso: 100% (2.5 GB of 2.5 GB) done"


def test_a_finished_one_whose_rate_has_not_died_down_is_done_too():
    done = replace(HALF, done=2_500_000_000, percent=100, rate=15.0, eta_s=None)
    assert plain_line(done) == "ubuntu.iso: 100% (2.5 GB of 2.5 GB) done"


def test_the_last_moment_is_not_said_twice(written):
    sink = PlainProgress(written.append)
    for second in range(3):
        sink.show(replace(HALF, reason="no provider answered"), now=float(second))
    sink.close()
    assert len(written) == 1


def test_a_terminal_line_is_redrawn_in_place_at_most_ten_times_a_second(written):
    sink = TerminalProgress(written.append, lambda: 80)
    for tick in range(100):
        sink.show(replace(HALF, done=tick * 25_000_000, percent=tick), now=tick / 100)
    sink.close()
    assert len(written) <= 12
    screen = pyte.Screen(80, 5)
    pyte.Stream(screen).feed("".join(written).replace("\n", "\r\n"))
    assert " 99% " in screen.display[0]
    assert not screen.display[1].strip()


def test_a_shorter_line_leaves_nothing_of_a_longer_one(written):
    sink = TerminalProgress(written.append, lambda: 80)
    sink.show(replace(HALF, reason="a long reason why nothing goes on"), now=0.0)
    sink.show(replace(HALF, reason="short"), now=1.0)
    screen = pyte.Screen(80, 5)
    pyte.Stream(screen).feed("".join(written))
    assert screen.display[0].rstrip().endswith("short")


def test_where_there_is_a_taskbar_it_shows_the_progress_and_nothing_afterwards(written):
    sink = TerminalProgress(written.append, lambda: 80, has_taskbar=True)
    sink.show(HALF, now=0.0)
    sink.show(replace(HALF, reason="no peers connected"), now=1.0)
    sink.close()
    assert [re.findall(r"\x1b]9;[^\x07]*\x07", text) for text in written] == [
        ["\x1b]9;4;1;54\x07"],
        ["\x1b]9;4;4;54\x07"],
        ["\x1b]9;4;0\x07"],
    ]


@given(st.text(), st.booleans(), st.integers(0, 100), st.integers(1, 300))
def test_colours_change_no_character_of_the_line(name, is_waiting, percent, width):
    moment = replace(HALF, name=name, percent=percent, reason="no peers connected" if is_waiting else "")
    tint = tint_for({"TERM": "xterm-256color"})
    assert re.sub(r"\x1b\[[0-9;]*m", "", terminal_line(moment, width, tint)) == terminal_line(moment, width)


def test_plain_lines_come_every_ten_percent_and_at_the_end(written):
    sink = PlainProgress(written.append)
    for percent in range(98):
        sink.show(replace(HALF, percent=percent), now=percent / 50)
    sink.close()
    assert [line.split("%")[0].split()[-1] for line in written] == [*map(str, range(0, 91, 10)), "97"]
    assert all(line.endswith("\n") and "\r" not in line and "\x1b" not in line for line in written)


def test_plain_lines_come_every_half_minute_at_least(written):
    sink = PlainProgress(written.append)
    for second in range(0, 91, 5):
        sink.show(HALF, now=float(second))
    assert len(written) == 4


def test_a_plain_line_tells_a_new_reason_but_not_each_flicker(written):
    sink = PlainProgress(written.append)
    for second in range(20):
        sink.show(replace(HALF, reason="no peers connected" if second % 2 else ""), now=float(second))
    assert 2 <= len(written) <= 5


def test_json_events_are_exact_and_at_most_one_a_second(written):
    sink = JsonProgress(written.append)
    name = "evil\x1b[2J\rfake: 100%.pdf"
    for tick in range(25):
        sink.show(Progress(name, tick, 5_000_000, 0, 5e6, 0.99, cid="bafy", number=1), now=tick / 10)
    sink.close()
    events = [json.loads(line) for line in written]
    assert [event["done"] for event in events] == [0, 10, 20, 24]
    assert events[0] == {
        "v": 1,
        "event": "progress",
        "id": 1,
        "name": name,
        "cid": "bafy",
        "size": 5_000_000,
        "done": 0,
        "rate": 5e6,
        "eta": 0.99,
        "reason": "",
    }
    assert all(line.isascii() and line.count("\n") == 1 for line in written)


def test_json_counts_files_where_there_are_several(written):
    JsonProgress(written.append).show(replace(HALF, files_done=3, files=9), now=0.0)
    assert json.loads(written[0])["files_done"] == 3


def test_nothing_shown_is_nothing_written(written):
    for sink in (TerminalProgress(written.append, lambda: 80), PlainProgress(written.append), ProgressSink()):
        sink.close()
    silent = ProgressSink()
    silent.show(HALF, now=0.0)
    silent.close()
    assert written == []


def test_a_closed_sink_may_start_again(written):
    sink = PlainProgress(written.append)
    for _ in range(2):
        sink.show(HALF, now=0.0)
        sink.close()
    assert len(written) == 2


def test_an_item_that_waits_says_why(fetched):
    assert of_item(fetched).reason == ""
    assert of_item(replace(fetched, state=TransferState.STALLED, reason="no peers connected")).reason == (
        "no peers connected"
    )
    assert of_item(replace(fetched, state=TransferState.VERIFYING)).reason == "Verifying"


def test_local_work_has_an_even_rate():
    assert of_work("a", 50, 100, 2.0) == Progress("a", 50, 100, 50, 25.0, 2.0)
    assert of_work("a", 0, 100, 0.0) == Progress("a", 0, 100, 0, 0.0, None)


def test_a_download_without_its_manifest_is_at_nought(fetched):
    looking = replace(fetched, size=0, chunks=0, chunks_have=0, bytes_have=0, reason="asking for the manifest")
    assert of_item(looking).percent == 0
    assert of_item(replace(looking, state=TransferState.SEEDING)).percent == 100
