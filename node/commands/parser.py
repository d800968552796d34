"""The command line: `table` as an argparse parser whose every mistake is a `UsageError`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from typing import NoReturn

from node.commands.command import Argument, Command, usage_line
from node.commands.surroundings import ENVIRONMENT
from node.commands.table import COMMANDS, EXIT_CODES
from node.errors import UsageError
from node.ui.capabilities import ColourMode, ProgressMode
from node.ui.words import meant

HELP = "help"
"""The one word that is a command only here: in the shell and the dashboard help is their own."""

GLOBAL = (
    Argument(("--home",), "the node's data folder (SHOAL_HOME; default ~/.local/share/shoal)", {"metavar": "DIR"}),
    Argument(("--json",), "one JSON event a line on stdout, and nothing else there", {"action": "store_true"}),
    Argument(("--quiet", "-q"), "no progress and no hints", {"action": "store_true"}),
    Argument(
        ("--progress",),
        "how to show progress on stderr: auto, always, plain or never",
        {"choices": [str(mode) for mode in ProgressMode], "metavar": "HOW"},
        tuple(ProgressMode),
    ),
    Argument(
        ("--color",),
        "colours: auto (on a terminal, unless NO_COLOR is set), always or never",
        {"choices": [str(mode) for mode in ColourMode], "metavar": "WHEN"},
        tuple(ColourMode),
    ),
    Argument(("--no-header",), "no headings in a pipe", {"action": "store_true"}),
)
_DEFAULTS = {
    "home": None,
    "json": False,
    "quiet": False,
    "progress": str(ProgressMode.AUTO),
    "color": str(ColourMode.AUTO),
    "no_header": False,
}


class _Parser(argparse.ArgumentParser):
    """argparse, but a mistake raises instead of printing and exiting."""

    _words: tuple[str, ...] = ()

    def parse_known_args(  # type: ignore[override]  # typeshed has overloads for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, but `from PEER` may stand behind options too: argparse takes all such words at once."""
        self._words = tuple(args or ())
        parsed, rest = super().parse_known_args(args, namespace)
        if rest and getattr(parsed, "chosen", None) == [] and not any(word.startswith("-") for word in rest):
            parsed.chosen, rest = rest, []
        return parsed, rest

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` for argparse's complaint, with how the command is typed where it is about that."""
        place = command_place(self._words)  # of the whole line; a command's own parser has its name in `prog`
        name = self.prog.partition(" ")[2] or ("" if place is None else self._words[place])
        command = next((each for each in COMMANDS if each.name == name), None)
        is_of_options = command is None or re.search(r"(^|\s)-", message)
        more = f"see: {f'shoal {name}'.strip()} --help" if command is None or is_of_options else usage_line(command)
        raise UsageError(f"{message}{self._of_a_dash(message)}; {more}")

    def _of_a_dash(self, message: str) -> str:
        """What to say of a file whose name was taken for an option."""
        taken = next((word for word in self._words if re.match(r"-[^-]", word) and os.path.lexists(word)), None)
        return f" ({taken} is read as options; write ./{taken})" if taken and "required" in message else ""


def command_place(words: Sequence[str]) -> int | None:
    """Where in a command line the command's name stands; None where only the whole parser can tell what is meant."""
    takes_value = {name for argument in GLOBAL if argument.takes_value for name in argument.names}
    rest = iter(enumerate(words))
    for place, word in rest:
        if word in takes_value:
            next(rest, None)
        elif not word.startswith("-"):
            return place
        elif word in ("-h", "--help"):
            return None
    return None


def named(words: Sequence[str]) -> tuple[list[str], str | None]:
    """The command line with the command's own name for what was typed, and that; raises UsageError if it is none.

    People may type as in the shell: any case, a leading colon, the beginning of a name where it is clear.
    """
    place = command_place(words)
    if place is None:
        return list(words), None
    typed = words[place].lstrip(":")
    found = meant(typed, COMMANDS) if typed.casefold() != HELP else HELP
    if isinstance(found, str) and found != HELP:
        raise UsageError(found)
    name = found if isinstance(found, str) else found.name
    return [*words[:place], name, *words[place + 1 :]], name


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of the whole command line; what it parses has a row of the table as `command`, or None for help.

    `only` names the one command that the line is known to have: the others' parsers take as long as the answer does.
    """
    parser = _Parser(
        prog="shoal",
        description="Share files with other nodes, and fetch theirs.",
        epilog=f"{_exit_codes()}\n\n{_environment()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(**_DEFAULTS, command=None, topic=None, is_help=False)
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    _add(parser, GLOBAL)
    # The global options may stand after the command too; SUPPRESS keeps them from undoing those before it.
    after = _Parser(add_help=False)
    _add(after.add_argument_group("options of every command"), GLOBAL, default=argparse.SUPPRESS)
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for command in [each for each in COMMANDS if only in (each.name, *each.aliases)] or COMMANDS:
        added = commands.add_parser(
            command.name,
            aliases=command.aliases,
            help=command.summary,
            description=_sentence(command),
            epilog=f"Exit codes are listed in: {parser.prog} --help",
            allow_abbrev=False,
            parents=[after],
        )
        added.set_defaults(command=command)
        _add(added, command.arguments)
    helper = commands.add_parser(HELP, help="this help, or that of one command", allow_abbrev=False)
    helper.set_defaults(is_help=True)
    helper.add_argument("topic", nargs="?", metavar="COMMAND")
    return parser


def _add(parser: argparse._ActionsContainer, arguments: Sequence[Argument], **options: object) -> None:
    for argument in arguments:
        parser.add_argument(*argument.names, help=argument.help, **{**argument.options, **options})  # type: ignore[arg-type]  # argparse's own options, kept in a table


def _sentence(command: Command) -> str:
    summary = command.summary[0].upper() + command.summary[1:] + "."
    return f"{summary} {command.details}".strip()


def _environment() -> str:
    widest = max(map(len, ENVIRONMENT))
    return "environment:\n" + "\n".join(f"  {name:{widest}}  {does}" for name, does in ENVIRONMENT.items())


def _exit_codes() -> str:
    return "exit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
