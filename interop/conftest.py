"""The interop tests' fixtures: Go, JavaScript and Python peers and shoal daemons as real processes, all on loopback.

Where there is neither Go nor a built Go peer, every case is skipped, and one line says how many and why; so with
Node.js and the cases that need it. Where Go is, a case of the matrix that is skipped for whatever reason is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

# py-libp2p's wheel installs a top-level package `interop`, so that this folder can't be one.
sys.path.insert(0, str(Path(__file__).parent))

from peers import GO_BINARY, GO_MODULE, JS_MODULE
from processes import Processes

HERE = Path(__file__).parent
NEEDS_NODE = HERE / "test_js.py"
NO_GO = "neither the Go toolchain nor build/go-peer is here"
NO_NODE = "Node.js with npm isn't here"
GO_BUILD = ("go", "build", "-trimpath", "-buildvcs=false", "-o", GO_BINARY, ".")
JS_INSTALL = ("npm", "ci", "--silent")
SKIPPED = pytest.StashKey[Counter[str]]()


def what_is_missing(path: Path) -> str:
    """Why the cases of a file can't run here; nothing if they can."""
    if not GO_BINARY.exists() and shutil.which("go") is None:
        return NO_GO
    return NO_NODE if path == NEEDS_NODE and shutil.which("npm") is None else ""


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is skipped yet."""
    config.stash[SKIPPED] = Counter()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip every case that can't run here."""
    for item in items:
        if HERE in item.path.parents and (reason := what_is_missing(item.path)):
            item.add_marker(pytest.mark.skip(reason=reason))
            config.stash[SKIPPED][reason] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each reason to skip."""
    for reason, count in config.stash[SKIPPED].items():
        terminalreporter.write_line(f"interop: {count} cases skipped: {reason}", yellow=True)
    if whole := must_be_whole(terminalreporter):
        terminalreporter.write_line(whole, red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where Go is and something of the matrix didn't run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and must_be_whole(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def must_be_whole(reporter: pytest.TerminalReporter) -> str:
    """What is wrong with skipping where Go is; nothing if nothing was skipped but for want of Node.js."""
    skipped = [report for report in reporter.stats.get("skipped", []) if HERE.name in Path(report.nodeid).parts]
    unexplained = len(skipped) - reporter.config.stash[SKIPPED].total()
    return f"interop: {unexplained} cases skipped although Go is here" if unexplained else ""


def is_current() -> bool:
    """Whether the Go peer was built of what is here now."""
    sources = [path for pattern in ("*.go", "go.*") for path in GO_MODULE.rglob(pattern)]
    return GO_BINARY.exists() and GO_BINARY.stat().st_mtime > max(path.stat().st_mtime for path in sources)


@pytest.fixture(scope="session")
def go_binary() -> Path:
    """The Go peer, built of what is here now wherever Go is."""
    if shutil.which("go") and not is_current():
        subprocess.run(GO_BUILD, cwd=GO_MODULE, check=True, env={**os.environ, "GOFLAGS": ""})
    return GO_BINARY


@pytest.fixture(scope="session")
def js_packages() -> None:
    """What the js-libp2p peer needs, exactly as locked."""
    lock, installed = JS_MODULE / "package-lock.json", JS_MODULE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(JS_INSTALL, cwd=JS_MODULE, check=True)


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
