"""Real shoal processes for tests, the demo and benchmarks: started on loopback, driven by the command line.

Rules: ephemeral ports, a data folder of the caller's, no public address, no word on the LAN; every process is
stopped by its own id.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from node.control.client import ControlClient
from node.errors import NoNodeError, ShoalError
from node.folder import DataFolder

SHOAL = Path(sys.executable).with_name("shoal")
READY_S = 120.0
"""A node answers within a second; on two cores that others keep busy it has taken 40."""

T = TypeVar("T")

_PERSONAL = ("SHOAL_", "PYTHONDONTWRITEBYTECODE")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(_PERSONAL)} | {
    "SHOAL_MDNS": "0"
}
"""Nothing of who runs this, and nothing said on the LAN. Compiled modules are kept, as for everybody: else each command
would compile them anew."""


class DaemonError(Exception):
    """A process or a command didn't do what it was to do; the sentence says what."""


class Daemon:
    """One `shoal daemon` in its own data folder."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *bootstrap: str,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        within: tuple[str, ...] = (),
    ) -> None:
        """`within` is a command that runs another one somewhere else, such as in a network of its own."""
        self.name = name
        self.home = folder / name
        self.home.mkdir(exist_ok=True)
        self.output = folder / f"{name}.out"
        self._bootstrap = bootstrap
        self._options = options
        self._environment = {**ENVIRONMENT, **environment}
        self._within = within
        self._listen = "/ip4/127.0.0.1/tcp/0"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command: list[str | Path] = [*self._within, SHOAL, "--home", self.home, "daemon", "--listen", self._listen]
        for address in self._bootstrap:
            command += ["--bootstrap", address]
        with self.output.open("ab") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            return subprocess.Popen([*command, *self._options], **streams, env=self._environment)

    def restart(self) -> None:
        """Start again in the same data folder, at the same port."""
        self.process.wait(READY_S)
        self.process = self._start()
        self.await_ready()

    def run(self, *words: str | Path, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """One command against this node, to its end."""
        command = [SHOAL, "--home", self.home, *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s, env=ENVIRONMENT)

    def start(self, *words: str | Path, **options: Any) -> subprocess.Popen[str]:
        """One command against this node, on its way."""
        return subprocess.Popen([SHOAL, "--home", self.home, *words], text=True, env=ENVIRONMENT, **options)

    def ask_all(self, *words: str | Path, timeout_s: float = 120.0) -> list[Any]:
        """The results of one command as JSON; raises DaemonError if it fails."""
        done = self.run(*words, "--json", timeout_s=timeout_s)
        if done.returncode:
            raise DaemonError(
                f"`shoal {' '.join(map(str, words))}` on {self.name} exited {done.returncode}: "
                f"{done.stdout}{done.stderr}\n{self.last_words()}"
            )
        return results_of(done.stdout)

    def ask(self, *words: str | Path, timeout_s: float = 120.0) -> Any:
        """The one result of a command that has one."""
        (result,) = self.ask_all(*words, timeout_s=timeout_s)
        return result

    def await_ready(self) -> Any:
        """The node's status, once it answers."""

        def status() -> Any:
            if self.process.poll() is not None:
                raise DaemonError(f"{self.name} ended with exit code {self.process.returncode}: {self.last_words()}")
            try:
                return self._look("status")
            except NoNodeError:
                return None

        answer = await_that(status, f"{self.name} answers")
        port = answer["addresses"][0].split("/tcp/")[1].split("/")[0]
        self._listen = f"/ip4/127.0.0.1/tcp/{port}"
        return answer

    @property
    def address(self) -> str:
        """The multiaddr by which others bootstrap."""
        return str(self._look("status")["addresses"][0])

    def item(self, target: str) -> Any:
        """The row of a share or download."""
        try:
            return self._look("info", target=target)["item"]
        except ShoalError as error:
            raise DaemonError(f"{self.name} knows no row of {target}: {error}\n{self.last_words()}") from error

    def _look(self, method: str, **params: object) -> Any:
        """What the node answers to a client that is no process: many of them take the processor from the nodes."""
        with ControlClient(DataFolder(self.home).socket) as client:
            return client.call(method, params, timeout_s=READY_S)

    def await_provided(self, cid: str) -> None:
        """Wait until another node holds this node's provider record."""

        def is_provided() -> bool:
            provided = self.item(cid)["provided"]
            return bool(provided and provided["stored"])

        await_that(is_provided, f"somebody takes {self.name}'s provider record")

    def last_words(self) -> str:
        """The end of what the process printed and logged, for error messages."""
        log = self.home / "shoal.log"
        texts = [path.read_text(errors="replace")[-3000:] for path in (self.output, log) if path.exists()]
        return "\n".join(texts)

    def kill(self) -> None:
        """`kill -9`, as a crash would be."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """Ask the daemon to leave, and see to it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


def results_of(stdout: str) -> list[Any]:
    """The result events of a command's NDJSON."""
    return [event for event in map(json.loads, stdout.splitlines()) if event["event"] == "result"]


def await_that(condition: Callable[[], T], what: str, timeout_s: float = READY_S, pause_s: float = 0.05) -> T:
    """The condition's value once it is true; raises DaemonError with `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(pause_s)
    raise DaemonError(f"in vain for {timeout_s:.0f} s: {what}")
