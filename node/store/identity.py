"""How a file is known again: the numbers that change when its content, or the file under its name, changes.

Rule: ctime is among them, because `os.utime` can put mtime back but nobody can put ctime back. The price: a chmod or
a new hard link also makes a file "changed" until it has been verified again.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterable
from dataclasses import astuple, dataclass

_PACKED = struct.Struct("<QQQqq")

TIMESTAMP_STEP_NS = 20_000_000
"""Kernels before 6.13 stamp files by the timer tick (up to 10 ms): two writes within one look alike."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One state of one file."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """The identity of what was just stat'ed."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def settle(identity: Identity) -> None:
    """Wait, at most a tick, until any later write must show in the file's ctime (git's "racily clean" problem)."""
    age_ns = time.time_ns() - identity.ctime_ns
    if 0 <= age_ns < TIMESTAMP_STEP_NS:
        time.sleep((TIMESTAMP_STEP_NS - age_ns) / 1e9)


def pack(identities: Iterable[Identity]) -> bytes:
    """The identities as the database keeps them: 40 bytes each."""
    return b"".join(_PACKED.pack(*astuple(identity)) for identity in identities)


def unpack(data: bytes) -> tuple[Identity, ...]:
    """The inverse of `pack`."""
    return tuple(Identity(*fields) for fields in _PACKED.iter_unpack(data))
