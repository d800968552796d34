"""Processes that tell in JSON lines what happens to them: the Go peer, and a misbehaving Python one.

Rules: loopback and ephemeral ports only; every process has a deadline of its own and is stopped by its own id.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GO_MODULE = ROOT / "interop" / "go-peer"
GO_BINARY = ROOT / "build" / "go-peer"
JS_MODULE = ROOT / "interop" / "js-peer"
PY_PEER = ROOT / "interop" / "pypeer.py"
DEADLINE = "300s"
EVENT_TIMEOUT_S = 90.0
"""Everything here takes seconds at most; a machine that is busy with other work may take ten times as long."""

Event = dict[str, Any]


class PeerError(AssertionError):
    """A peer didn't do what it was to do; the text has all that it said."""


class Peer:
    """One process, its events and how it ended."""

    def __init__(self, log: Path, command: Iterable[str | Path]) -> None:
        self._log = log
        self._changed = threading.Condition()
        self._is_open = True
        self.events: list[Event] = []
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def await_event(self, event: str, timeout_s: float = EVENT_TIMEOUT_S, **values: object) -> Event:
        """The first event of this name with these values, once it is there."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while not (found := self.all(event, **values)):
                if not self._is_open or not self._changed.wait(until - time.monotonic()):
                    raise PeerError(f"no {event} {values or ''} from {self.words()}")
            return found[0]

    def all(self, event: str, **values: object) -> list[Event]:
        """Every event of this name with these values so far."""
        wanted = {"event": event, **values}.items()
        return [happened for happened in self.events if wanted <= happened.items()]

    def finish(self, timeout_s: float = 120.0) -> int:
        """The exit code, once the process has ended by itself and said everything."""
        code = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return code

    def result(self, event: str, timeout_s: float = 120.0) -> Event:
        """The one event of this name of a process that ends well by itself."""
        if self.finish(timeout_s):
            raise PeerError(f"exit code {self.process.returncode}: {self.words()}")
        return self.await_event(event)

    def say(self, line: str) -> None:
        """A line on the process's stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    @property
    def ready(self) -> Event:
        """Its first word: peer id, addresses, and what it shares."""
        return self.await_event("ready")

    @property
    def id(self) -> str:
        """Its peer id."""
        return str(self.ready["peer"])

    @property
    def address(self) -> str:
        """Its multiaddr."""
        return str(self.ready["addresses"][0])

    def words(self) -> str:
        """All that it said, for error messages."""
        said = "\n".join(map(json.dumps, self.events))
        return f"{self.process.args!r}:\n{said}\n{self._log.read_text(errors='replace')[-3000:]}"

    def stop(self) -> None:
        """End it, if it hasn't ended."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._is_open = False
            self._changed.notify_all()


def go_command(*words: str | Path) -> list[str | Path]:
    """The Go peer's command line."""
    return [GO_BINARY, words[0], "--deadline", DEADLINE, *words[1:]]


def js_command(*words: str | Path) -> list[str | Path]:
    """The js-libp2p peer's command line."""
    return ["node", JS_MODULE / "main.js", words[0], "--deadline", DEADLINE, *words[1:]]


def py_command(*words: str | Path) -> list[str | Path]:
    """The misbehaving Python peer's command line."""
    return [sys.executable, PY_PEER, *words]
