"""Where log lines go: a file in the data folder, never the terminal.

Rules: py-libp2p logs through its own logger without handlers and through the root logger, and both would otherwise
end on stderr in the middle of a screen; here every logger ends in one rotating file. A peer's words in a line are
data: they can't begin a line of their own, move a terminal that shows the file, or push everything else out of it.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from node.errors import StorageError

FILE_SIZE = 5 << 20
FILES = 3
"""15 MiB in all: days of an ordinary node at level info, and no surprise on a small disk."""

PRIVATE_MODE = 0o600

NOISY = ("libp2p", "quic", "multiaddr", "async_service", "hypercorn")
"""Libraries whose info lines tell a shoal user nothing; their warnings are kept."""

MUTE = ("libp2p.transport.tcp.tcp",)
"""Calls every dead dial an error; who dialled says so already, in words and once."""


LINES_A_MINUTE = 100
"""Of one place in the code: more than anybody reads, and at 150 bytes each 15 MiB last half a day of it."""

TAIL_SIZE = 512 << 10
"""How much of the log's end is read for a screen: 2,000 lines of 256 bytes."""


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of the log at `path`, as far as they are within its last `TAIL_SIZE` bytes."""
    try:
        with path.open("rb") as file:
            start = max(file.seek(0, os.SEEK_END) - TAIL_SIZE, 0)
            file.seek(start)
            lines = file.read(TAIL_SIZE).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:  # just rotated away, and nothing written since
        return []
    return lines[1 if start else 0 :][-count:]


class OneLineFormatter(logging.Formatter):
    """Writes a message as one line: what isn't printable in it is escaped. A traceback of ours follows as it is."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        if not record.message.isprintable():
            record.message = "".join(
                char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in record.message
            )
        return super().formatMessage(record)


class Pacing(logging.Filter):
    """Lets LINES_A_MINUTE through from each place in the code, and counts the rest in the next line from there."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._minutes: dict[tuple[str, int], tuple[float, int]] = {}  # by place: its minute's start and lines

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
        now = self._clock()
        place = (record.name, record.lineno)
        start, lines = self._minutes.get(place, (-60.0, 0))
        if now - start < 60.0:
            self._minutes[place] = (start, lines + 1)
            return lines < LINES_A_MINUTE
        self._minutes[place] = (now, 1)
        if lines > LINES_A_MINUTE:
            record.msg = f"{record.msg} ({lines - LINES_A_MINUTE} more of these were left out before)"
        return True


class PrivateFile(RotatingFileHandler):
    """A log that nobody but its owner may read: it says what they share and whom they talk with."""

    def _open(self) -> TextIOWrapper:
        fd = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE_MODE)
        os.fchmod(fd, PRIVATE_MODE)  # one that an earlier version left for all to read
        return open(fd, "a", encoding=self.encoding)


def start_logging(path: Path, level: str) -> logging.Handler:
    """Send every logger's lines of at least `level` (a logging level name) to `path`; returns the handler.

    Raises StorageError if the file can't be written. At level debug nothing is left out.
    """
    try:
        handler = PrivateFile(path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write the log {path}: {error.strerror}") from error
    handler.setFormatter(OneLineFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    if level != "debug":
        handler.addFilter(Pacing())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in NOISY:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)
    return handler
