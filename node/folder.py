"""The data folder: where it is and what is in it. The name by which a command finds its node.

Imports nothing of shoal but its errors: every command starts here and has no time to lose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.errors import UsageError


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where a node keeps what is its own; also its name for clients."""

    path: Path

    @property
    def key(self) -> Path:
        """The node's private key."""
        return self.path / "identity.key"

    @property
    def database(self) -> Path:
        """The sqlite database with all other state."""
        return self.path / "state.db"

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.path / "control.sock"

    @property
    def lock(self) -> Path:
        """The lock that keeps the folder to one node."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """The node's log."""
        return self.path / "shoal.log"

    @property
    def dashboard(self) -> Path:
        """What a person has chosen of the dashboard."""
        return self.path / "dashboard.toml"

    @property
    def config(self) -> Path:
        """The settings that a person wrote."""
        return self.path / "config.toml"


def data_folder(flag: str | None, environ: Mapping[str, str]) -> DataFolder:
    """The data folder: `--home`, else SHOAL_HOME, else XDG's place for data; always absolute."""
    chosen = flag or environ.get("SHOAL_HOME")
    if chosen:
        return DataFolder(absolute_path(chosen, "--home" if flag else "SHOAL_HOME"))
    xdg = environ.get("XDG_DATA_HOME", "")
    base = xdg if os.path.isabs(xdg) else "~/.local/share"  # XDG: a relative value is invalid and ignored
    return DataFolder(absolute_path(os.path.join(base, "shoal"), "--home"))


def absolute_path(text: str, where: str) -> Path:
    """The path with `~` expanded, made absolute; raises `UsageError` that names `where` it was written."""
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{where}: no home folder is known for {text!r}") from error
    if "\0" in text:
        raise UsageError(f"{where}: a path has no NUL in it")
    return Path(os.path.abspath(path))
