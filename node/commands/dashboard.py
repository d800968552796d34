"""The command that shows the dashboard, and what of the command table it is given."""

from __future__ import annotations

import locale
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from node.commands.command import usage
from node.commands.context import Context
from node.commands.starting import NodeStarter
from node.commands.table import COMMANDS
from node.config import load
from node.control.lock import holder
from node.errors import NoNodeError, StorageError, UsageError
from node.folder import DataFolder
from node.ui.capabilities import ColourMode, colour_count
from node.ui.model import CommandWord, Contact, Model
from node.ui.opening import paint
from node.ui.preferences import Preferences, arrangement, parse, with_columns
from node.ui.terminal import Terminal, is_usable, wants_ascii
from node.ui.theme import THEMES
from node.ui.units import choose_units, count

NOT_HERE = frozenset({"daemon", "shell", "ui", "completion"})
"""Commands that make no sense inside the dashboard."""

A11Y_RATE = 1.0
RATE = 3.0
"""Screens a second: numbers that change more often can't be read, and each screen costs the terminal something."""


def ui(context: Context) -> int:
    """Show the dashboard; starts a node if none runs, and says so at the end."""
    if context.arguments.plain:
        from node.commands.shell import shell  # here because hardly anybody asks the dashboard for it

        return shell(context)
    return _with_node(context) if context.arguments.in_process else _of_daemon(context)


def _of_daemon(context: Context) -> int:
    """The dashboard of a node that runs by itself."""
    first = _first(context)
    starter = NodeStarter(context.home)
    has_started = starter.start_if_none()
    model = replace(first.model, contact=Contact(is_starting=starter.is_starting))
    with first.terminal.screen(has_mouse=model.is_mouse_on):
        opening = paint(first.terminal, model)
        # Here, because loading the loop takes as long as all before it, and now there is something to see.
        import trio

        from node.commands.running import run_line
        from node.control.async_client import open_client
        from node.ui.dashboard import show
        from node.ui.settings import Settings

        dial = partial(open_client, context.home.socket)
        settings = Settings(dial, partial(run_line, context), starter, first.rate, first.keep, first.write_log)
        ending = trio.run(show, first.terminal, opening, settings)
    if has_started and not ending.has_stopped_node:
        context.output.note("The node that was started goes on; stop it with: shoal shutdown")
    return ending.code


def _with_node(context: Context) -> int:
    """The dashboard and its node in one process."""
    first = _first(context)
    config = load(vars(context.arguments), context.environ)
    if (pid := holder(context.home.lock)) is not None:
        raise NoNodeError(f"a node runs already for {context.home.path} (process {pid}); show it with: shoal ui")
    model = replace(first.model, contact=Contact(is_starting=True), is_node_here=True)
    with ExitStack() as screen:
        screen.enter_context(first.terminal.screen(has_mouse=model.is_mouse_on))
        opening = paint(first.terminal, model)
        import trio  # here as above

        from node.commands.in_process import NodeHere
        from node.commands.running import run_line
        from node.ui.dashboard import show
        from node.ui.settings import Settings

        node = NodeHere(config)
        settings = Settings(node.dial, partial(run_line, context), node, first.rate, first.keep, first.write_log)

        def leaving() -> None:
            screen.close()
            context.output.note("Stopping the node…")

        try:
            ending = trio.run(node.beside, partial(show, first.terminal, opening, settings), leaving)
        except BaseExceptionGroup as group:
            raise _first_of(group) from group
    context.output.note("The node has stopped")
    return ending.code


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first thing that went wrong: the node's sentence, ctrl-c, or a bug."""
    error = group.exceptions[0]
    return _first_of(error) if isinstance(error, BaseExceptionGroup) else error


@dataclass(frozen=True, slots=True)
class _First:
    """What a dashboard begins with."""

    terminal: Terminal
    model: Model
    rate: float
    keep: Callable[[tuple[str, ...]], str]
    write_log: Callable[[tuple[str, ...]], str]


def _first(context: Context) -> _First:
    """The terminal, and the model as the person's flags, environment and file will have it; raises UsageError."""
    arguments = context.arguments
    if not is_usable(context.environ):
        raise UsageError("the dashboard needs a terminal that can move its cursor; try: shoal shell")
    chosen = _preferences(context)
    theme = arguments.theme or context.environ.get("SHOAL_THEME") or chosen.theme or "shoal"
    if theme not in THEMES:
        raise UsageError(f"there is no theme {theme!r}, only {', '.join(THEMES)}")
    if chosen.units and "SHOAL_UNITS" not in context.environ:
        choose_units(chosen.units)
    columns, hidden = ((), frozenset[str]()) if chosen.columns is None else arrangement(chosen.columns)
    terminal = Terminal(_log(context.home))
    terminal.colours = colour_count(context.environ, ColourMode(arguments.color))
    width, height = terminal.size()
    model = Model(
        width,
        height,
        commands=command_words(),
        theme=theme,
        is_ascii=arguments.ascii or chosen.is_ascii or wants_ascii(locale.getencoding(), context.environ),
        is_mouse_on=chosen.is_mouse_on and not arguments.no_mouse,
        is_a11y=arguments.a11y or chosen.is_a11y or context.environ.get("SHOAL_A11Y") == "1",
        has_blocks=chosen.has_blocks,
        has_bell=chosen.has_bell,
        columns=columns,
        hidden=hidden,
        keys=chosen.keys,
    )
    rate = arguments.rate or chosen.rate or (A11Y_RATE if model.is_a11y else RATE)
    home = context.home
    return _First(terminal, model, rate, partial(_keep_columns, home.dashboard), partial(_write_log, home.path))


def _log(home: DataFolder) -> Path:
    """Where what others write to stderr goes, in a data folder that is there from now on; raises StorageError."""
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the data folder {home.path}: {error.strerror}") from error
    return home.path / "dashboard.log"


def _preferences(context: Context) -> Preferences:
    """What the person's file says; raises UsageError."""
    path = context.home.dashboard
    text = _text(path)
    return parse(text, str(path)) if text else Preferences()


def _keep_columns(path: Path, columns: tuple[str, ...]) -> str:
    """Write chosen columns into the person's file, of which nothing else changes; raises ShoalError. Nothing to say."""
    text = with_columns(_text(path), columns, str(path))
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return ""


def _write_log(folder: Path, lines: tuple[str, ...]) -> str:
    """Write lines of the log into a file of their own, for nobody else to read; a sentence. Raises StorageError."""
    path = folder / time.strftime("log-%Y%m%d-%H%M%S.txt")
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return f"{count(len(lines), 'line')} written to {path}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} isn't UTF-8 text") from error


def command_words() -> tuple[CommandWord, ...]:
    """The command table for the prompt, its suggestions and its completion."""
    return tuple(
        CommandWord(command.name, usage(command), command.summary, command.aliases)
        for command in COMMANDS
        if command.name not in NOT_HERE
    )
