"""Which command a word means: by its name, an alias, or a beginning that fits only one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Named(Protocol):
    """A command, as far as its names go."""

    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


N = TypeVar("N", bound=Named)


def meant(word: str, commands: Sequence[N]) -> N | str:
    """The command that a person means by `word`, in any case; else a sentence that helps."""
    wanted = word.casefold()
    names = {name: command for command in commands for name in (command.name, *command.aliases)}
    if wanted in names:
        return names[wanted]
    begun = {command.name: command for name, command in names.items() if name.startswith(wanted)}
    if len(begun) == 1:
        return next(iter(begun.values()))
    if begun:
        return f"{word!r} could be {' or '.join(sorted(begun))}"
    import difflib  # here because most people know what they type

    near = difflib.get_close_matches(wanted, names, n=1)
    return f"unknown command {word!r}" + (f" - did you mean {near[0]}?" if near else "; see: help")
