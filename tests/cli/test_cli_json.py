"""`--json`: events that a program can rely on, and nothing else on stdout."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_rows_then_done(shoal, events):
    code, stdout, stderr = shoal("list", "--json")
    *rows, done = events(stdout)
    assert (code, stderr) == (0, "")
    assert done == {"v": 1, "event": "done", "code": 0}
    assert [row["event"] for row in rows] == ["result"] * 3
    assert [row["number"] for row in rows] == [1, 2, 3]
    assert rows[1]["name"] == "evil\x1b[2J\rname\n.exe"  # exact, and escaped on the way
    assert stdout.isascii()
    assert "\x1b" not in stdout


def test_progress_then_result_then_done(inside, events):
    code, stdout, stderr = inside("--json", "get", "bafyreix")
    *progress, result, done = events(stdout)
    assert (code, stderr) == (0, "")
    assert {event["event"] for event in progress} == {"progress"}
    assert progress[-1]["done"] == progress[-1]["size"] == 2_500_000_000
    assert set(progress[0]) == {"v", "event", "id", "name", "cid", "size", "done", "rate", "eta", "reason"}
    assert result["event"] == "result"
    assert result["path"].endswith("/linux.iso")
    assert done["code"] == 0


def test_an_error_has_its_code_and_is_also_said_to_the_person(inside, events):
    code, stdout, stderr = inside("info", "99", "--json")
    assert code == 4
    assert events(stdout) == [
        {"v": 1, "event": "error", "code": 4, "message": "there is no file 99"},
        {"v": 1, "event": "done", "code": 4},
    ]
    assert stderr == "shoal: there is no file 99\n"


def test_a_mistyped_command_line_is_an_event_too(inside, events):
    code, stdout, _ = inside("get", "--json")
    error, done = events(stdout)
    assert code == error["code"] == done["code"] == 2


def test_no_node_is_an_event_too(environ, tmp_path, events):
    command = [sys.executable, "-m", "node.cli", "--home", str(tmp_path / "none"), "list", "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert [event["code"] for event in events(done.stdout)] == [3, 3]


def test_each_share_is_a_result_or_an_error_with_its_path(inside, events):
    code, stdout, _ = inside("share", "a", "missing", "--json")
    shared, failed, done = [event for event in events(stdout) if event["event"] != "progress"]
    assert (shared["event"], shared["item"]["name"], shared["new"]) == ("result", "a", True)
    assert shared["skipped"] == ["loop\x1b[31m"]
    assert (failed["event"], failed["code"], failed["path"]) == ("error", 4, "missing")
    assert code == done["code"] == 1


def test_verify_tells_every_bad_chunk(inside, events):
    code, stdout, _ = inside("verify", "2", "--json")
    result, error, done = [event for event in events(stdout) if event["event"] != "progress"]
    assert (result["bad_chunks"], result["checked"]) == ([3, 77], 256)
    assert code == error["code"] == done["code"] == 1


@pytest.mark.parametrize(
    ("words", "member", "value"),
    [
        (["status"], "peer_id", "12D3KooWme"),
        (["info", "1"], "chunk_size", 1 << 20),
        (["peers"], "address", "192.168.1.10"),
        (["peers", "1"], "chunks_have", 230),
        (["uploads"], "number", 1),
        (["stop", "1"], "cid", "bafyreiubuntu"),
        (["pause", "3"], "number", 3),
        (["resume", "#3"], "number", 3),
        (["connect", "/ip4/192.0.2.1/tcp/4001"], "peer_id", "12D3KooWpeer"),
        (["get", "bafyreix", "--detach"], "state", "Downloading"),
    ],
)
def test_every_command_answers_with_a_result(inside, events, words, member, value):
    code, stdout, _ = inside(*words, "--json")
    results = [event for event in events(stdout) if event["event"] == "result"]
    assert code == 0
    assert [result[member] for result in results] == [value]


def test_shutdown_has_an_empty_result(inside):
    lines = inside("shutdown", "--json")[1].splitlines()
    assert json.loads(lines[0]) == {"v": 1, "event": "result"}
