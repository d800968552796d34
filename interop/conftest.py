"""The interop tests' fixtures: Go and Python peers and shoal daemons as real processes, all on loopback.

Where there is neither Go nor a built Go peer, every case is skipped, and one line says how many and why.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# py-libp2p's wheel installs a top-level package `interop`, so that this folder can't be one.
sys.path.insert(0, str(Path(__file__).parent))

from peers import GO_BINARY, GO_MODULE
from processes import Processes

HERE = Path(__file__).parent
NO_GO = "neither the Go toolchain nor build/go-peer is here"
BUILD = ("build", "-p", "1", "-trimpath", "-buildvcs=false", "-o", GO_BINARY, ".")


def is_here() -> bool:
    """Whether there is a Go peer, or can be."""
    return GO_BINARY.exists() or shutil.which("go") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip every case at once where there can't be a Go peer."""
    ours = [item for item in items if HERE in item.path.parents]
    if is_here():
        return
    for item in ours:
        item.add_marker(pytest.mark.skip(reason=NO_GO))
    config.stash[SKIPPED] = len(ours)


SKIPPED = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line about what was skipped."""
    if count := config.stash.get(SKIPPED, 0):
        terminalreporter.write_line(f"interop: {count} cases skipped: {NO_GO}", yellow=True)


@pytest.fixture(scope="session")
def go_binary() -> Path:
    """The Go peer, built from what is here now wherever Go is."""
    if shutil.which("go"):
        subprocess.run(["go", *BUILD], cwd=GO_MODULE, check=True, env={**os.environ, "GOFLAGS": ""})
    return GO_BINARY


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, go_binary: Path) -> Iterator[Processes]:
    """Processes that last as long as the module's tests."""
    with ExitStack() as stack:
        yield Processes(tmp_path_factory.mktemp("interop"), stack)


@pytest.fixture
def here(tmp_path: Path, go_binary: Path) -> Iterator[Processes]:
    """Processes of one test."""
    with ExitStack() as stack:
        yield Processes(tmp_path, stack)
