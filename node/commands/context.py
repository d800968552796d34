"""What a command is given: its arguments, where the node is, and where to write."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from node.commands.output import Output
from node.control.client import ControlClient, OnProgress
from node.errors import ShoalError, UsageError
from node.folder import DataFolder, data_folder
from node.status import from_json

ANSWER_TIMEOUT_S = 30.0
"""How long a call that only looks something up may take; a node that needs longer hangs."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """One run of one command."""

    arguments: argparse.Namespace
    output: Output
    environ: Mapping[str, str]
    is_line: bool = False  # a line of the shell or of the dashboard's prompt
    current: str | None = None  # the CID of the file that is open or selected there
    sort: str = ""  # the column that rows are ordered by where the line doesn't say
    filter: str = ""  # what their names hold

    @property
    def home(self) -> DataFolder:
        """The data folder whose node is meant."""
        return data_folder(self.arguments.home, self.environ)

    def connect(self) -> ControlClient:
        """A connection to the node; raises `NoNodeError`."""
        chosen = f" --home {shlex.quote(self.arguments.home)}" if self.arguments.home else ""
        return ControlClient(self.home.socket, start_command=f"shoal{chosen} daemon")

    def call(
        self,
        method: str,
        *,
        timeout_s: float | None = ANSWER_TIMEOUT_S,
        on_progress: OnProgress | None = None,
        **params: object,
    ) -> object:
        """Call the node once, on a connection of its own."""
        with self.connect() as client:
            return client.call(method, params, timeout_s=timeout_s, on_progress=on_progress)

    @property
    def target(self) -> str:
        """The file meant: a number as the screens show it (`#2` too), a CID or its beginning, or a link."""
        target: str = self.arguments.target
        return target.strip().removeprefix("#")


def decode(kind: type[T], value: object) -> T:
    """A snapshot from the node's answer."""
    try:
        return from_json(kind, value)
    except ValueError as error:
        raise not_understood() from error


def decode_list(kind: type[T], value: object) -> list[T]:
    """Snapshots from the node's answer."""
    if not isinstance(value, list):
        raise not_understood()
    return [decode(kind, row) for row in value]


def mapping(value: object) -> dict[str, object]:
    """An object from the node's answer."""
    if not isinstance(value, dict):
        raise not_understood()
    return value


def absolute(path: str) -> str:
    """The path as the node has to see it: the node's working folder is another one.

    Raises `UsageError` for an empty one, which is a variable that wasn't set and not the current folder.
    """
    if not path:
        raise UsageError("an empty path names no file and no folder")
    try:
        return os.path.abspath(path)
    except OSError as error:
        raise UsageError("the current folder no longer exists") from error


def not_understood() -> ShoalError:
    """What to raise when the node answers something that this version doesn't know."""
    return ShoalError("the node's answer isn't understood; it is another version of shoal: restart it")
