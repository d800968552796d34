"""Real nodes for end-to-end tests: processes on loopback, in folders that go away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.e2e.seat import Seat

HERE = Path(__file__).parent


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nothing is skipped without a word: one line for each case that this machine can't run."""
    for report in terminalreporter.stats.get("skipped", []):
        if HERE in Path(report.fspath).resolve().parents:
            reason = str(report.longrepr[-1]).removeprefix("Skipped: ")
            terminalreporter.write_line(f"e2e: {report.nodeid} skipped: {reason}", yellow=True)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start daemons by name; all are stopped at the end."""
    with ExitStack() as stack:

        def start_one(name: str, *bootstrap: str, **options) -> Daemon:
            daemon = Daemon(tmp_path, name, *bootstrap, **options)
            stack.callback(daemon.stop)
            return daemon

        yield start_one


@pytest.fixture
def sit() -> Iterator[Callable[..., Seat]]:
    """Sit down at terminals for data folders; all are left at the end."""
    with ExitStack() as stack:

        def sit_down(home: Path, *size: int, **options) -> Seat:
            seat = Seat(home, *size, **options)
            stack.callback(seat.leaves)
            return seat

        yield sit_down


@pytest.fixture(scope="module")
def trio_of_nodes(tmp_path_factory) -> Iterator[tuple[Daemon, Daemon, Daemon]]:
    """Three nodes that know each other, for tests that don't kill any."""
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        alice = Daemon(folder, "alice")
        stack.callback(alice.stop)
        address = alice.await_ready()["addresses"][0]
        others = [Daemon(folder, name, address) for name in ("bob", "carol")]
        for daemon in others:
            stack.callback(daemon.stop)
        for daemon in others:
            daemon.await_ready()
        yield alice, *others
