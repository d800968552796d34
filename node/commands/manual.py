"""The man page, from the tables that the command line itself is made of. Pure.

`python -m node.commands.manual` prints it; `shoal.1` is that, and a test holds them equal. Only man(7)'s oldest macros
and fonts are used, and ASCII, so that every man there is shows it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from node.commands.command import Argument, Command, usage
from node.commands.parser import GLOBAL, HELP
from node.commands.surroundings import ENVIRONMENT, FILES
from node.commands.table import COMMANDS, EXIT_CODES
from node.config import SETTINGS
from node.ui.keymap import BINDINGS, Binding, Group, shown

_ESCAPED = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", "\n": " ", '"': r"\(dq"}
)

_DESCRIPTION = (
    "shoal shares files with other nodes and fetches theirs, without a server. One process for each data folder is the "
    "node, which shoal daemon runs and the dashboard starts where none runs; every other command asks it over a socket "
    "in that folder.",
    "Alone, shoal opens the dashboard on a terminal, starts the shell on one that can't move its cursor, and prints "
    "the list where there is none. Commands may be typed in any case and by their beginning, where that is clear.",
)

_OUTPUT = (
    "Results are on standard output, everything else on standard error. On a terminal they are screens; elsewhere rows "
    "with tabs between their values, none of them shortened, and cards as lines of label, tab and value. What could "
    "act on a terminal is shown as harmless signs; --json and --print0 keep names exact.",
    "With --json each line is an object with v, which is 1, and event: any number of progress, at most one a second, "
    "of result and of error, which has code and message, and as the last done with the exit code. Amounts are bytes "
    "and bytes a second.",
    "Progress is one moving line on a terminal, and elsewhere a line every 10 percent or 30 seconds.",
)

_EXAMPLES = {
    "shoal share ~/Videos/holiday.mkv": "Share a file from where it is, and print its CID and link.",
    "shoal search holiday && shoal download 1": "Find it from elsewhere, and fetch the first hit.",
    "shoal get bafyrei... from 192.168.1.10": "Fetch it from one peer only.",
    "shoal uploads -0 | xargs -0 sha256sum": "Hash everything that is seeded, whatever it is called.",
    "shoal ui --in-process": "The dashboard with a node that ends with it.",
}


def manual() -> str:
    """The page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield r".\" Made by `make man` from the tables of node/commands; edit those."
    yield ".TH SHOAL 1"
    yield ".nh"  # words are often names, which a hyphen makes wrong
    yield ".ad l"
    yield ".SH NAME"
    yield r"shoal \- share files with other nodes, and fetch theirs"
    yield ".SH SYNOPSIS"
    yield f"{_bold('shoal')} [{_italic('OPTIONS')}] [{_italic('COMMAND')} [{_italic('ARGUMENTS')}]]"
    yield from _section("DESCRIPTION", _DESCRIPTION)
    yield ".SH COMMANDS"
    for command in COMMANDS:
        yield from _command(command)
    yield from _entry(f"{_bold(HELP)} {_italic('[COMMAND]')}", "the help of the command line, or of one command")
    yield ".SH OPTIONS"
    yield "Of every command, before or after it:"
    for argument in GLOBAL:
        yield from _option(argument)
    yield from _entry(_bold("--version"), "print the version and exit")
    yield from _section("OUTPUT", _OUTPUT)
    yield from _table("EXIT STATUS", {str(int(code)): meaning for code, meaning in EXIT_CODES.items()})
    yield from _table("ENVIRONMENT", ENVIRONMENT)
    yield from _table("FILES", FILES, "In the data folder:")
    yield from _settings()
    yield from _keys()
    yield ".SH EXAMPLES"
    for line, does in _EXAMPLES.items():
        yield from _entry(_bold(line), does)


def _command(command: Command) -> Iterator[str]:
    name, *words = usage(command).split(" ")
    yield from _entry(" ".join([_bold(name), *map(_italic, words)]), _sentence(command.summary))
    if command.aliases:
        yield _text(f"Also: {', '.join(command.aliases)}.")
    if command.details:
        yield _text(command.details)
    if command.arguments:
        yield ".RS"
        for argument in command.arguments:
            yield from _option(argument)
        yield ".RE"


def _option(argument: Argument) -> Iterator[str]:
    """An option, or an argument by its place."""
    value = str(argument.options.get("metavar", argument.names[0]))
    if not argument.is_option:
        yield from _entry(_italic(value), argument.help)
        return
    names = ", ".join(map(_bold, argument.names))
    yield from _entry(f"{names} {_italic(value)}" if argument.takes_value else names, argument.help)


def _settings() -> Iterator[str]:
    """The settings of config.toml, as a flag of `daemon` sets them too."""
    yield ".SH CONFIGURATION"
    yield _text("Flags of daemon win over the environment, which wins over config.toml. Its settings and defaults:")
    for name, setting in SETTINGS.items():
        default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        shown_default = str(default).lower() if isinstance(default, bool) else str(default).replace("'", '"')
        instead = f"; {setting.variable} in the environment" if setting.variable else ""
        yield from _entry(_bold(name), f"{shown_default or 'nothing'}{instead}")


def _keys() -> Iterator[str]:
    yield ".SH KEYS"
    yield _text("Of the dashboard; each may be chosen otherwise in dashboard.toml, by the action in brackets.")
    for group in Group:
        yield f".SS {_text(group)}"
        said: dict[str, list[Binding]] = {}
        for binding in BINDINGS:
            if binding.group is group:
                said.setdefault(binding.words, []).append(binding)
        for words, bindings in said.items():
            keys = dict.fromkeys(shown(key) for binding in bindings for key in binding.keys)
            actions = ", ".join(dict.fromkeys(binding.action for binding in bindings))
            yield from _entry(" ".join(map(_bold, keys)), f"{words} ({actions})")


def _section(title: str, paragraphs: Iterable[str]) -> Iterator[str]:
    yield f".SH {title}"
    for number, paragraph in enumerate(paragraphs):
        if number:
            yield ".PP"
        yield _text(paragraph)


def _table(title: str, rows: Mapping[str, str], before: str = "") -> Iterator[str]:
    yield from _section(title, [before] if before else [])
    for name, meaning in rows.items():
        yield from _entry(_bold(name), meaning)


def _entry(tag: str, text: str) -> tuple[str, ...]:
    return (".TP", tag, _text(text))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _bold(text: str) -> str:
    return f"\\fB{_escaped(text)}\\fR"


def _italic(text: str) -> str:
    return f"\\fI{_escaped(text)}\\fR"


def _text(text: str) -> str:
    """A line of text, which roff shall not take for a request."""
    line = _escaped(text)
    return f"\\&{line}" if line.startswith(".") else line


def _escaped(text: str) -> str:
    ascii_only = text.translate(_ESCAPED)
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in ascii_only)


if __name__ == "__main__":
    sys.stdout.write(manual())
