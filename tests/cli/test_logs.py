"""The node's log: where it goes, and what a peer's words in it can't do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.errors import StorageError
from node.logs import LINES_A_MINUTE, OneLineFormatter, Pacing, start_logging

log = logging.getLogger("node.somewhere")


@pytest.fixture
def lines(tmp_path) -> Iterator[Path]:
    """The log file of a node that logs at info; logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    handler = start_logging(tmp_path / "shoal.log", "info")
    yield tmp_path / "shoal.log"
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    handler.close()


def test_a_peers_words_stay_in_their_line(lines):
    log.info("%s says bye: %s", "12D3KooWliar", "x\n2026-11-22 12:00:00 ERROR node.app: forged\x1b[2J\u202e")
    (line,) = lines.read_text("utf-8").splitlines()
    assert line.endswith(r"says bye: x\n2026-11-22 12:00:00 ERROR node.app: forged\x1b[2J\u202e")


def test_nobody_else_may_read_the_log_nor_what_was_rotated_away(tmp_path):
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    path = tmp_path / "shoal.log"
    path.touch(0o644)
    handler = start_logging(path, "info")
    try:
        handler.doRollover()
        log.info("a line")
        assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600, 0o600]
        assert "a line" in path.read_text("utf-8")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        handler.close()


def test_a_traceback_keeps_its_lines(lines):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        log.exception("failed")
    assert lines.read_text("utf-8").splitlines()[1] == "Traceback (most recent call last):"


def test_one_place_in_the_code_cannot_flood_the_log(lines):
    for number in range(1000):
        log.info("stream %d refused", number)
    log.info("something else")
    written = lines.read_text("utf-8").splitlines()
    assert len(written) == LINES_A_MINUTE + 1
    assert written[-1].endswith("something else")


def test_what_was_left_out_is_counted_in_the_next_line():
    now = 0.0
    pacing = Pacing(lambda: now)

    def record() -> logging.LogRecord:
        return logging.LogRecord("node", logging.INFO, "file.py", 7, "%s refused", ("it",), None)

    assert sum(pacing.filter(record()) for _ in range(LINES_A_MINUTE + 5)) == LINES_A_MINUTE
    now = 60.0
    last = record()
    assert pacing.filter(last)
    assert OneLineFormatter("%(message)s").format(last) == "it refused (5 more of these were left out before)"


def test_a_log_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(StorageError, match="cannot write the log"):
        start_logging(tmp_path, "info")
