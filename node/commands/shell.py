"""`shoal shell`: the user's commands line by line, each answered with the user's screens.

For terminals that can't show the dashboard, for screen readers, and for scripts: `printf 'list\\ninfo 1\\n' | shoal
shell` prints what a person would see.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from node.commands.command import Command, usage
from node.commands.context import Context
from node.commands.running import NOT_IN_LINES, execute
from node.commands.table import COMMANDS, SORTS, THEMES
from node.errors import ExitCode, ShoalError, UsageError
from node.ui.words import meant

PROMPT = "shoal> "
USAGE_CELLS = 34

Done = Context | None
"""The shell as it is after one of its own words; None when it is left."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the shell's own."""

    name: str
    usage: str
    summary: str
    aliases: tuple[str, ...] = ()


WORDS = (
    Word("sort", "sort COLUMN", "order list and uploads from now on"),
    Word("filter", "filter [TEXT]", "list only rows that TEXT fits, from now on"),
    Word("theme", "theme NAME", f"colours: {', '.join(THEMES)}"),
    Word("help", "help [COMMAND]", "this help, or that of one command", ("?",)),
    Word("quit", "quit", "leave", ("q", "exit")),
)


def shell(context: Context) -> int:
    """Until `quit` or the input's end; the code is the last failure's, or 0."""
    context = replace(context, output=context.output.as_screens())
    is_talking = sys.stdin.isatty()
    if is_talking:
        context.output.note("Type 'help' for the commands, 'quit' to leave; the node keeps running.")
    failed: int = ExitCode.OK
    for line in _lines(is_talking):
        words = line.strip().lstrip(":").split()
        if not words:
            continue
        code: int = ExitCode.OK
        try:
            if (word := _meant(words[0])) is not None:
                after = _OWN[word.name](context, words[1:])
                if after is None:
                    break
                context = after
            else:
                code, current = execute(context, line)
                context = replace(context, current=current)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            context.output.note("interrupted")
        except ShoalError as error:
            code = error.code
            context.output.error(error)
        failed = code or failed
    return ExitCode.OK if is_talking else failed


def _meant(typed: str) -> Word | None:
    """The word of the shell's own, if it is one; raises UsageError for what is nothing at all."""
    found = meant(typed, _everything())
    if isinstance(found, str):
        raise UsageError(found)
    return found if isinstance(found, Word) else None


def _everything() -> tuple[Word | Command, ...]:
    return (*WORDS, *(command for command in COMMANDS if command.name not in NOT_IN_LINES))


def _lines(is_talking: bool) -> Iterator[str]:
    if not is_talking:
        yield from sys.stdin
        return
    import readline  # noqa: F401 - gives input() its editing keys and a history

    while True:
        try:
            yield input(PROMPT)
        except KeyboardInterrupt:
            print(file=sys.stderr)  # noqa: T201 - ctrl-c ends the line, not the shell
        except EOFError:
            return


def _sort(context: Context, words: list[str]) -> Done:
    found = [column for column in SORTS if words and column.startswith(words[0].casefold())]
    if not found:
        raise UsageError(f"usage: sort <{'|'.join(SORTS)}>")
    return replace(context, sort=found[0])


def _filter(context: Context, words: list[str]) -> Done:
    return replace(context, filter=" ".join(words))


def _theme(context: Context, words: list[str]) -> Done:
    if not words or words[0] not in THEMES:
        raise UsageError(f"usage: theme <{'|'.join(THEMES)}>")
    context.output.theme = words[0]
    return context


def _help(context: Context, words: list[str]) -> Done:
    """Every command with its usage, or one."""
    found = meant(words[0], _everything()) if words else ""
    if words and isinstance(found, str):
        raise UsageError(found)
    shown = _everything() if isinstance(found, str) else (found,)
    lines = [
        f"{usage(each) if isinstance(each, Command) else each.usage:{USAGE_CELLS}} {each.summary}" for each in shown
    ]
    context.output.answer({"commands": lines}, lines)
    return context


_OWN: Mapping[str, Callable[[Context, list[str]], Done]] = {
    "sort": _sort,
    "filter": _filter,
    "theme": _theme,
    "help": _help,
    "quit": lambda context, words: None,
}
