"""A typed line as a command of the table: for the shell and for the dashboard's prompt.

Rules: words are the user's own and forgiving: any case, `#2` for a number, a leading colon, the beginning of a
command's name where it is clear. A download doesn't hold up the line; it goes on in the node.
"""

from __future__ import annotations

import argparse
import io
import shlex
from dataclasses import replace
from functools import cache

from node.commands.command import Command
from node.commands.context import Context
from node.commands.output import Output
from node.commands.parser import build_parser
from node.commands.table import COMMANDS
from node.errors import ExitCode, ShoalError, UsageError
from node.ui.capabilities import ColourMode
from node.ui.messages import Printed
from node.ui.words import meant

NOT_IN_LINES = frozenset({"daemon", "shell", "ui"})
"""Commands that take the terminal for themselves."""


class _Page(io.StringIO):
    """What a command prints, taken for a terminal, so that it prints the user's screens."""

    def isatty(self) -> bool:
        return True


def run_line(context: Context, line: str, current: str | None) -> Printed:
    """Run one line apart from the process's own streams, for the dashboard."""
    stdout, stderr = _Page(), io.StringIO()
    output = Output(stdout, stderr, context.environ, quiet=True, colour_mode=ColourMode.NEVER)
    code, meant_now = execute(replace(context, output=output, current=current), line)
    said = tuple(stderr.getvalue().splitlines())
    if code:
        return Printed(line, said, is_error=True)
    begun = meant_now if meant_now != current else None
    return Printed(line, (*stdout.getvalue().splitlines(), *said), begun=begun)


def execute(context: Context, line: str) -> tuple[int, str | None]:
    """Run one line with the context's output: the exit code, and the file that `pause` alone means from now on.

    A mistake is said, never raised.
    """
    try:
        arguments = parse_line(line, context.arguments)
        if arguments is None:
            return ExitCode.OK, context.current
        code = arguments.command.run(replace(context, arguments=arguments, is_line=True))
    except ShoalError as error:
        context.output.error(error)
        return int(error.code), context.current
    is_download = arguments.command.name == "get" and code == ExitCode.OK
    return code, arguments.target if is_download else context.current


def parse_line(line: str, given: argparse.Namespace) -> argparse.Namespace | None:
    """The line's arguments with `given`'s data folder; None for an empty line. Raises UsageError for what it isn't."""
    try:
        words = shlex.split(line.strip().lstrip(":"))
    except ValueError as error:
        raise UsageError(f"a quotation mark is missing: {line.strip()}") from error
    if not words:
        return None
    command = command_meant(words[0])
    if {"-h", "--help"} & set(words):  # which argparse would print by itself, into the middle of a screen
        raise UsageError(f"see: help {command.name}")
    if command.name == "get" and "--detach" not in words:
        words.append("--detach")
    arguments = _parser().parse_args([command.name, *words[1:]])
    arguments.home = given.home
    return arguments


def command_meant(word: str) -> Command:
    """The command that a word of a line says; raises UsageError."""
    found = meant(word, [command for command in COMMANDS if command.name not in NOT_IN_LINES])
    if isinstance(found, str):
        raise UsageError(found)
    return found


@cache
def _parser() -> argparse.ArgumentParser:
    return build_parser()
