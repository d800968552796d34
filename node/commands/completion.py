"""Completion of command lines for bash, zsh and fish, from the command table.

The shells' scripts ask `shoal __complete <words>` for what may come next. That has to answer within a tenth of a second
and never in the middle of somebody's line with an error, so it imports little, waits little and is silent about
everything that goes wrong.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.commands.command import Argument, Command
from node.commands.parser import GLOBAL, HELP, named
from node.commands.table import COMMANDS
from node.control.client import ControlClient
from node.errors import ExitCode, ShoalError, UsageError
from node.folder import DataFolder, data_folder

if TYPE_CHECKING:
    from node.commands.context import Context

ASK_S = 0.2
"""How long the node may take to tell its rows: somebody is waiting with a finger on Tab."""

SCRIPTS = {
    # Where nothing is offered, `-o default` has readline offer files, with their quotes and slashes.
    "bash": """_shoal() {
    local IFS=$'\\n'
    COMPREPLY=($(shoal __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _shoal shoal
""",
    # Sourced it says what completes shoal; as a file _shoal in $fpath it is the function itself.
    "zsh": """#compdef shoal
_shoal() {
    local -a found
    found=("${(@f)$(shoal __complete "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
    if [[ -n "${found[*]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
if [[ "${funcstack[1]}" = _shoal ]]; then _shoal "$@"; else compdef _shoal shoal; fi
""",
    "fish": """function __shoal_complete
    set -l words (commandline -opc) (commandline -ct)
    shoal __complete $words[2..-1] 2>/dev/null
end
complete -c shoal -a '(__shoal_complete)'
""",
}


def completion(context: Context) -> int:
    """Print a shell's script."""
    shell = context.arguments.shell
    if shell not in SCRIPTS:
        raise UsageError(f"there are scripts for {', '.join(SCRIPTS)}, not for {shell!r}")
    context.output.answer({"shell": shell, "script": SCRIPTS[shell]}, SCRIPTS[shell].splitlines())
    return ExitCode.OK


def answer(words: Sequence[str]) -> int:
    """What the shells' scripts ask for, on stdout; `__complete` isn't in the help, because it is nobody's to type."""
    lines = "".join(f"{word}\n" for word in complete(words, os.environ))
    with suppress(OSError):
        os.write(1, os.fsencode(lines))
    return ExitCode.OK


def complete(words: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """What the last of the words may become; nothing where that is a path's or nobody's to say."""
    *before, begun = words or [""]
    try:
        line = _read(before, environ)
    except ShoalError:  # no such command, or no home folder
        return []
    if line.valued is not None:
        found = line.values(line.valued)
    elif begun.startswith("-"):
        found = [name for each in line.options for name in each.names if name.startswith("--")]
    elif line.command is None:
        found = _names() if not line.given or line.given == [HELP] else []
    else:
        found = line.values(line.next_argument())
    return [each for each in found if each.startswith(begun)]


@dataclass(frozen=True, slots=True)
class _Line:
    """What is typed already."""

    home: DataFolder
    command: Command | None
    given: list[str]  # without options, and without the command's name if it is one
    valued: Argument | None  # the option whose value comes next

    @property
    def options(self) -> list[Argument]:
        """What may stand anywhere."""
        own = () if self.command is None else self.command.arguments
        return [each for each in (*own, *GLOBAL) if each.is_option]

    def next_argument(self) -> Argument | None:
        """Which argument comes next, by its place; the last one may be repeated."""
        assert self.command is not None
        places = [each for each in self.command.arguments if not each.is_option]
        if len(self.given) < len(places):
            return places[len(self.given)]
        return places[-1] if places and places[-1].options.get("nargs") in ("*", "+") else None

    def values(self, argument: Argument | None) -> list[str]:
        """The words that may stand for an argument."""
        if argument is None:
            return []
        match argument.names[0]:
            case "target":
                ways = ["up", "down"] if self.command is not None and self.command.name == "limit" else []
                return [*self._asked("list", "number"), *ways]
            case "chosen":
                return self._source()
            case "--from" if self.given:
                return self._asked("peers", "address", target=self.given[0])
            case "peer" if self.command is not None:
                return self._asked(_PEERS_OF[self.command.name], "peer_id")
        return list(argument.words)

    def _source(self) -> list[str]:
        """What follows the file of a download: `from`, and then one of its peers."""
        if len(self.given) == 1:
            return ["from"]
        if self.given[1:] == ["from"]:
            return self._asked("peers", "address", target=self.given[0])
        return []

    def _asked(self, method: str, member: str, **params: object) -> list[str]:
        """A member of each row that the node answers with, each value once."""
        try:
            with ControlClient(self.home.socket) as client:
                rows = client.call(method, params, timeout_s=ASK_S)
        except Exception:  # the border: a completion that can't tell says nothing
            return []
        found = [str(row[member]) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return list(dict.fromkeys(found))


_PEERS_OF = {"ban": "peers", "unban": "banned"}
"""The commands on peers, and who tells of those that may be meant."""


def _read(before: Sequence[str], environ: Mapping[str, str]) -> _Line:
    """Read the whole words of a line; raises ShoalError where they can't be completed."""
    words, name = named(before)
    command = next((each for each in COMMANDS if each.name == name), None)
    options = (*GLOBAL, *(() if command is None else command.arguments))
    with_value = {name: each for each in options if each.takes_value for name in each.names}
    home, given, valued = None, [], None
    for word in words:
        if valued is not None:
            home = word if "--home" in valued.names else home
            valued = None
        elif word in with_value:
            valued = with_value[word]
        elif not word.startswith("-"):
            given.append(word)
    return _Line(data_folder(home, environ), command, given[1:] if command else given, valued)


def _names() -> list[str]:
    return [*(command.name for command in COMMANDS), HELP]
