"""A result kept for as long as it is asked for with the very same objects. Pure, as far as anybody can tell.

Snapshots are frozen, so the same tuple of rows gives the same answer; to compare two thousand rows by value, as
`lru_cache` does, would take longer than to count them again.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import is_
from typing import TypeVar, TypeVarTuple

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


def kept(function: Callable[[*Arguments], Result]) -> Callable[[*Arguments], Result]:
    """The function, which isn't called again while its arguments are the same objects as the last time."""
    newest: list[tuple[tuple[object, ...], Result]] = []

    def remembering(*arguments: *Arguments) -> Result:
        if newest and len(newest[0][0]) == len(arguments) and all(map(is_, newest[0][0], arguments)):
            return newest[0][1]
        result = function(*arguments)
        newest[:] = [(arguments, result)]
        return result

    return remembering
