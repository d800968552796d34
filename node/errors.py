"""What can go wrong for the person who gave a command, and the exit code each failure has.

Rules: the message is a whole sentence for that person, without a traceback's vocabulary; the type decides the
exit code. Imports nothing of shoal, so that every layer may raise these.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The documented exit codes of every command; also the `code` of an error in JSON."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_NODE = 3
    NOT_FOUND = 4
    NO_PEERS = 5
    INTEGRITY = 6
    STORAGE = 7
    AMBIGUOUS = 8
    INTERRUPTED = 130


class ShoalError(Exception):
    """A command could not be done; `str()` is the sentence to show."""

    code = ExitCode.FAILED


class UsageError(ShoalError):
    """The command's own words are off: a bad CID, link, multiaddr or option."""

    code = ExitCode.USAGE


class NoNodeError(ShoalError):
    """No node answers on the control socket, or another one holds the data folder."""

    code = ExitCode.NO_NODE


class NotFoundError(ShoalError):
    """No row, file or CID of that name is known here."""

    code = ExitCode.NOT_FOUND


class NoPeersError(ShoalError):
    """Nobody who has the content could be found or reached in time."""

    code = ExitCode.NO_PEERS


class IntegrityError(ShoalError):
    """Bytes don't match their digests, and no good source is left."""

    code = ExitCode.INTEGRITY


class StorageError(ShoalError):
    """The disk is full, read-only, or refuses a file."""

    code = ExitCode.STORAGE
    is_full = False  # True where it may go on by itself once there is room


class AmbiguousError(ShoalError):
    """A prefix or name fits more than one row."""

    code = ExitCode.AMBIGUOUS
