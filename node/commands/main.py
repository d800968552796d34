"""A whole run of `shoal`: from the shell's words to an exit code.

Rules: whatever happens, results alone are on stdout, a mistake is one sentence on stderr with its documented exit
code, and a reader that goes away (`| head -1`) is no error worth a word. What a command does is in `node.commands`.
"""

from __future__ import annotations

import argparse
import os
import sys

from node.commands.context import Context
from node.commands.output import Output, OutputError
from node.commands.parser import build_parser, named
from node.commands.table import BROKEN_PIPE
from node.errors import ExitCode, ShoalError, UsageError
from node.ui.capabilities import ColourMode, ProgressMode, can_move
from node.ui.units import UNITS, choose_units


def run(words: list[str]) -> int:
    """Run the command that the words say and return its exit code; raises `KeyboardInterrupt`."""
    # Python has None for a stream that the shell closed (`>&-`); then there is nobody to tell.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the same
    try:
        return _run(words)
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except OutputError as error:
        sys.stderr.write(f"shoal: {error}\n")
        _discard_output()
        return error.code


def _run(words: list[str]) -> int:
    try:
        arguments = _parse(words)
    except ShoalError as error:
        # The options aren't known then, but a program that said --json anywhere shall get JSON.
        output = Output(sys.stdout, sys.stderr, os.environ, json="--json" in words)
        return _end(output, error)
    if isinstance(arguments, int):
        sys.stdout.flush()
        return arguments
    output = Output(
        sys.stdout,
        sys.stderr,
        os.environ,
        json=arguments.json,
        quiet=arguments.quiet,
        header=not arguments.no_header,
        progress_mode=ProgressMode(arguments.progress),
        colour_mode=ColourMode(arguments.color),
    )
    try:
        _choose_units()
        code: int = arguments.command.run(Context(arguments, output, os.environ))
    except OutputError:
        raise
    except ShoalError as error:
        return _end(output, error)
    except KeyboardInterrupt:
        output.failure(ExitCode.INTERRUPTED, "interrupted")
        code = ExitCode.INTERRUPTED
    output.done(code)
    return code


def _choose_units() -> None:
    """Show amounts as SHOAL_UNITS says; raises UsageError."""
    units = os.environ.get("SHOAL_UNITS", "si")
    if units not in UNITS:
        raise UsageError(f"SHOAL_UNITS is {' or '.join(UNITS)}, not {units!r}")
    choose_units(units)


def _parse(words: list[str]) -> argparse.Namespace | int:
    """The arguments, or the exit code if argparse or the version has answered already."""
    words, name = named(words)
    parser = build_parser(name)
    try:
        arguments = parser.parse_args(words)
        if arguments.version:
            sys.stdout.write(f"shoal {_version()}\n")
            return ExitCode.OK
        if arguments.is_help:
            parser.parse_args(["--help"] if arguments.topic is None else [arguments.topic, "--help"])
        if arguments.command is None:
            return _parse([_without_command(arguments), *words])
    except SystemExit:  # argparse, after printing a help text
        return ExitCode.OK
    return arguments


def _without_command(arguments: argparse.Namespace) -> str:
    """What `shoal` alone means: the dashboard, the shell on a terminal that can't show it, the list in a pipe."""
    both = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    if not both or arguments.json:
        return "list"
    return "ui" if can_move(os.environ) else "shell"


def _end(output: Output, error: ShoalError) -> int:
    output.error(error)
    output.done(error.code)
    return error.code


def _version() -> str:
    from importlib.metadata import version  # here because it takes a fifth of a command's time

    return version("shoal")


def _discard_output() -> None:
    """Point stdout and stderr to nowhere, or the interpreter complains of the closed pipe when it flushes them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
