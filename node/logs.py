"""Where log lines go: a file in the data folder, never the terminal.

Rules: py-libp2p logs through its own logger without handlers and through the root logger, and both would otherwise
end on stderr in the middle of a screen; here every logger ends in one rotating file.
"""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_SIZE = 5 << 20
FILES = 3
"""15 MiB in all: days of an ordinary node at level info, and no surprise on a small disk."""

NOISY = ("libp2p", "quic", "multiaddr", "async_service", "hypercorn")
"""Libraries whose info lines tell a shoal user nothing; their warnings are kept."""


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


def start_logging(path: Path, level: str) -> logging.Handler:
    """Send every logger's lines of at least `level` (a logging level name) to `path`; returns the handler."""
    handler = RotatingFileHandler(path, maxBytes=FILE_SIZE, backupCount=FILES - 1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in NOISY:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler
