"""What a row of the command table is: a command's words, its arguments, and the function that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.commands.context import Context


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument or option; `options` are argparse's own, `words` are offered by completion."""

    names: tuple[str, ...]
    help: str
    options: Mapping[str, object] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    @property
    def is_option(self) -> bool:
        """Whether it begins with a dash, and doesn't go by its place."""
        return self.names[0].startswith("-")

    @property
    def takes_value(self) -> bool:
        """Whether a value stands behind it, if it is an option."""
        return self.is_option and not str(self.options.get("action", "")).startswith("store_")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words, its arguments and the function that does it."""

    name: str
    summary: str
    function: str  # where it is in this package; by name, so that a command loads its own module only
    arguments: tuple[Argument, ...] = ()
    aliases: tuple[str, ...] = ()
    details: str = ""

    def run(self, context: Context) -> int:
        """Do it; returns the exit code or raises a `ShoalError`."""
        module, _, name = self.function.partition(".")
        function: Callable[[Context], int] = getattr(import_module(f"{__package__}.{module}"), name)
        if vars(context.arguments).get("print0"):
            context.output.expect_program()  # before anything is done whose answer couldn't be given
        return function(context)


def usage(command: Command) -> str:
    """How a command is typed: `info TARGET`, `peers [TARGET]`, `share PATH…`; options have their own help."""
    words = [command.name]
    for argument in command.arguments:
        if argument.is_option:
            continue
        word = str(argument.options.get("metavar", argument.names[0]))
        count = argument.options.get("nargs")
        words.append(f"[{word}]" if count in ("?", "*") else f"{word}…" if count == "+" else word)
    return " ".join(words)


def usage_line(command: Command) -> str:
    """What somebody is told who typed it otherwise."""
    return f"usage: {usage(command)}"
