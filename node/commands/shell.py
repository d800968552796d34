"""`shoal shell`: the user's commands line by line, each answered with the user's screens.

For terminals that can't show the dashboard, for screen readers, and for scripts: `printf 'list\\ninfo 1\\n' | shoal
shell` prints what a person would see.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

from node.commands.command import usage
from node.commands.context import Context
from node.commands.running import NOT_IN_LINES, command_meant, execute
from node.commands.table import COMMANDS
from node.errors import ExitCode, ShoalError

PROMPT = "shoal> "
LEAVING = frozenset({"quit", "q", "exit"})
USAGE_CELLS = 34


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
        if words[0].casefold() in LEAVING:
            break
        try:
            if words[0].casefold() in ("help", "?"):
                code = _help(context, words[1:])
            else:
                code, current = execute(context, line)
                context = replace(context, current=current)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            context.output.note("interrupted")
        failed = code or failed
    return ExitCode.OK if is_talking else failed


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


def _help(context: Context, words: list[str]) -> int:
    """Every command with its usage, or one."""
    try:
        commands = [command_meant(words[0])] if words else [each for each in COMMANDS if each.name not in NOT_IN_LINES]
    except ShoalError as error:
        context.output.error(error)
        return int(error.code)
    lines = [f"{usage(command):{USAGE_CELLS}} {command.summary}" for command in commands]
    context.output.answer({"commands": lines}, [*lines, *([] if words else [f"{'quit':{USAGE_CELLS}} leave"])])
    return ExitCode.OK
