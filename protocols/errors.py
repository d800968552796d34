"""Whose fault a protocol error is, told by its type.

Rule: code in `protocols/` raises nothing else about wire data. Drivers answer a `RemoteProtocolError`
by ending that one peer session; a `LocalProtocolError` is a bug in shoal and may end the process.
The split follows h11's.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """The rules of a protocol were broken, by one side or the other."""


class LocalProtocolError(ProtocolError):
    """This node tried to say something that is not legal now: a bug here."""


class RemoteProtocolError(ProtocolError):
    """A peer said something that is not legal: it loses its session, and nobody else anything."""
