"""Which run of the machine this is: what one run wrote without a flush, the next must not believe unread."""

from __future__ import annotations

import uuid
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot_id() -> str:
    """An id that changes with each boot; where the system has none, with each process, to be on the safe side."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())
