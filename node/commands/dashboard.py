"""The command that shows the dashboard, and what of the command table it is given."""

from __future__ import annotations

import locale
from functools import partial
from pathlib import Path

from node.commands.context import Context
from node.commands.starting import NodeStarter
from node.commands.table import COMMANDS, usage
from node.errors import StorageError, UsageError
from node.ui.capabilities import ColourMode
from node.ui.model import CommandWord, Contact, Model
from node.ui.opening import paint
from node.ui.preferences import Preferences, arrangement, parse, with_columns
from node.ui.terminal import Terminal, is_usable, wants_ascii
from node.ui.theme import THEMES
from node.ui.units import choose_units

NOT_HERE = frozenset({"daemon", "shell", "ui", "completion"})
"""Commands that make no sense inside the dashboard."""

A11Y_RATE = 1.0
RATE = 3.0
"""Screens a second: numbers that change more often can't be read, and each screen costs the terminal something."""


def ui(context: Context) -> int:
    """Show the dashboard; starts a node if none runs, and says so at the end."""
    arguments = context.arguments
    if not is_usable(context.environ):
        raise UsageError("the dashboard needs a terminal that can move its cursor; try: shoal shell")
    chosen = _preferences(context)
    if arguments.color == ColourMode.NEVER:
        arguments.theme = "mono"
    theme = arguments.theme or context.environ.get("SHOAL_THEME") or chosen.theme or "shoal"
    if theme not in THEMES:
        raise UsageError(f"there is no theme {theme!r}, only {', '.join(THEMES)}")
    if chosen.units and "SHOAL_UNITS" not in context.environ:
        choose_units(chosen.units)
    columns, hidden = ((), frozenset[str]()) if chosen.columns is None else arrangement(chosen.columns)
    starter = NodeStarter(context.home)
    has_started = starter.start_if_none()
    terminal = Terminal(context.home.path / "dashboard.log" if context.home.path.is_dir() else None)
    width, height = terminal.size()
    model = Model(
        width,
        height,
        contact=Contact(is_starting=starter.is_starting),
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
    with terminal.screen(has_mouse=model.is_mouse_on):
        opening = paint(terminal, model)
        # Here, because loading the loop takes as long as all before it, and now there is something to see.
        import trio

        from node.commands.running import run_line
        from node.ui.dashboard import Settings, show

        rate = arguments.rate or chosen.rate or (A11Y_RATE if model.is_a11y else RATE)
        keep = partial(_keep_columns, context.home.dashboard)
        settings = Settings(context.home.socket, partial(run_line, context), starter, rate, keep)
        ending = trio.run(show, terminal, opening, settings)
    if has_started and not ending.has_stopped_node:
        context.output.note("The node that was started goes on; stop it with: shoal shutdown")
    return ending.code


def _preferences(context: Context) -> Preferences:
    """What the person's file says; raises UsageError."""
    path = context.home.dashboard
    text = _text(path)
    return parse(text, str(path)) if text else Preferences()


def _keep_columns(path: Path, columns: tuple[str, ...]) -> None:
    """Write chosen columns into the person's file, of which nothing else changes; raises ShoalError."""
    text = with_columns(_text(path), columns, str(path))
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text, "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


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
