"""Completion of command lines for bash, zsh and fish, from the command table.

The shells' scripts ask `shoal __complete <words>` for what may come next. That has to answer within a tenth of a second
and never in the middle of somebody's line with an error, so it imports little, waits little and is silent about
everything that goes wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from node.commands.context import Context
from node.commands.table import COMMANDS, Command
from node.control.client import ControlClient
from node.errors import ExitCode, UsageError
from node.folder import data_folder

ASK_S = 0.2
"""How long the node may take to tell its rows: somebody is waiting with a finger on Tab."""

SCRIPTS = {
    "bash": """_shoal() {
    local IFS=$'\\n'
    COMPREPLY=($(shoal __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
    if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")); fi
}
complete -F _shoal shoal
""",
    "zsh": """#compdef shoal
_shoal() {
    local -a found
    found=("${(@f)$(shoal __complete "${words[@]:1:$((CURRENT-1))}" 2>/dev/null)}")
    if [[ -n "${found[*]}" ]]; then compadd -- "${found[@]}"; else _files; fi
}
compdef _shoal shoal
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


def complete(words: Sequence[str], environ: dict[str, str]) -> list[str]:
    """What the last of the words may become; nothing where that is a path's or nobody's to say."""
    *before, begun = words or [""]
    named = [word for word in before if not word.startswith("-")]
    if not named:
        return [name for name in _names() if name.startswith(begun)]
    command = next((each for each in COMMANDS if named[0] in (each.name, *each.aliases)), None)
    if command is None:
        return []
    if begun.startswith("-"):
        options = [name for argument in command.arguments for name in argument.names if name.startswith("--")]
        return [option for option in options if option.startswith(begun)]
    if command.name == "get" and len(named) == 2:
        found = ["from"]
    elif command.name == "get" and named[2:] == ["from"]:
        found = _asked(environ, "peers", "address", target=named[1])
    elif len(named) > 1:
        found = []
    elif command.name in _PEERS_OF:
        found = _asked(environ, _PEERS_OF[command.name], "peer_id")
    else:
        found = _asked(environ, "list", "number") if _takes_target(command) else list(_choices(command))
    return [each for each in found if each.startswith(begun)]


def _names() -> list[str]:
    return [*(command.name for command in COMMANDS), "help"]


def _takes_target(command: Command) -> bool:
    return any(argument.names == ("target",) for argument in command.arguments)


def _choices(command: Command) -> Sequence[str]:
    return tuple(SCRIPTS) if command.name == "completion" else ()


_PEERS_OF = {"ban": "peers", "unban": "banned"}
"""The commands on peers, and who tells of those that may be meant."""


def _asked(environ: dict[str, str], method: str, member: str, **params: object) -> list[str]:
    """A member of each row that the node answers with, each value once."""
    try:
        with ControlClient(data_folder(None, environ).socket) as client:
            rows = client.call(method, params, timeout_s=ASK_S)
    except Exception:  # the border: a completion that can't tell says nothing
        return []
    found = [str(row[member]) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return list(dict.fromkeys(found))
