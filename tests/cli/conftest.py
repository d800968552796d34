"""A node with invented files behind a real control socket, and `shoal` run against it."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from node.cli import main
from node.control.lock import hold_folder
from node.control.server import Call, ControlServer, Handler
from node.errors import NotFoundError, UsageError
from node.status import BanStatus, DetailStatus, FileStatus, ItemStatus, NodeStatus, PeerStatus, TransferState, to_json
from tests.searches import LINUX

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0  # a busy machine is slow, not wrong
HOSTILE = "evil\x1b[2J\rname\n.exe"

UBUNTU = ItemStatus(
    number=1,
    cid="bafyreiubuntu",
    name="ubuntu.iso",
    size=2_500_000_000,
    files=1,
    state=TransferState.SEEDING,
    reason="",
    path="/srv/ubuntu.iso",
    chunks=256,
    chunks_have=256,
    bytes_have=2_500_000_000,
    down_bps=0.0,
    up_bps=1.2e6,
    eta_s=None,
    peers_connected=5,
    peers_known=12,
    received=0,
    sent=10**9,
    added_at=1.7e9,
    link="shoal:bafyreiubuntu?name=ubuntu.iso&size=2500000000",
    provided=None,
)
EVIL = replace(UBUNTU, number=2, cid="bafyreievil", name=HOSTILE, state=TransferState.COMPLETE, up_bps=0.0)
FETCHED = replace(
    UBUNTU,
    number=3,
    cid="bafyreifetched",
    name="linux.iso",
    state=TransferState.DOWNLOADING,
    chunks_have=64,
    bytes_have=625_000_000,
    down_bps=2.5e6,
    up_bps=0.0,
    eta_s=750.0,
    path="/here/linux.iso",
)
PEER = PeerStatus(
    1, "12D3KooWpeer", "192.168.1.10", "/ip4/192.168.1.10/tcp/4001", 256, 230, 2.3e6, 0.0, 9, 0, "in", "D"
)
BAN = BanStatus("12D3KooWbad", "/ip4/192.168.1.66/tcp/4001", "shoal/0.1.0", 1.7e9)
NODE = NodeStatus(
    "0.1.0", "12D3KooWme", ("/ip4/127.0.0.1/tcp/4001",), "/shoal", "/home", 9.0, 1, 2, 3, 2, 1, 0, 0, 5, 6, 7
)


class FakeNode:
    """Answers as a node would; a test replaces single handlers."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.calls: queue.Queue[tuple[str, dict[str, object]]] = queue.Queue()
        self.items = [UBUNTU, EVIL, FETCHED]
        self.handlers: dict[str, Handler] = {
            "status": self.answer(to_json(NODE)),
            "list": self._list,
            "info": self._info,
            "peers": self.answer([to_json(PEER)]),
            "log": self.answer({"lines": ["one", "two\x1b[2J"]}),
            "share": self._share,
            "get": self._get,
            "search": self.answer(to_json(LINUX)),
            "search_stop": self.answer(to_json(LINUX)),
            "verify": self._verify,
            "connect": self.answer({"peer_id": "12D3KooWpeer"}),
            "shutdown": self.answer({}),
            "limit": self._limit,
            "ban": self.answer(to_json(BAN)),
            "unban": self.answer(to_json(BAN)),
            "banned": self.answer([to_json(BAN)]),
            **dict.fromkeys(("stop", "cancel", "pause", "priority", "resume"), self._item),
        }

    def answer(self, value: object) -> Handler:
        async def handler(call: Call) -> object:
            return value

        return handler

    def wait_for_call(self, method: str) -> dict[str, object]:
        """The parameters of the next call of `method`."""
        while True:
            called, params = self.calls.get(timeout=PATIENCE_S)
            if called == method:
                return params

    def find(self, call: Call) -> ItemStatus:
        target = call.param("target", str)
        for item in self.items:
            if target in (str(item.number), item.cid, item.link):
                return item
        raise NotFoundError(f"there is no file {target}")

    async def _limit(self, call: Call) -> object:
        limits = {"up_limit_bps": call.params.get("up_bps"), "down_limit_bps": call.params.get("down_bps")}
        if call.params.get("target") is None:
            return limits
        return to_json(self.find(call)) | limits

    async def _list(self, call: Call) -> object:
        return [to_json(item) for item in self.items]

    async def _item(self, call: Call) -> object:
        return to_json(self.find(call))

    async def _info(self, call: Call) -> object:
        item = self.find(call)
        file = FileStatus(item.name, item.size, "ab" * 32, item.bytes_have)
        return to_json(DetailStatus(item, 1 << 20, 0, 0, "#" * call.param("cells", int), (file,), (PEER,)))

    async def _share(self, call: Call) -> object:
        path = call.param("path", str)
        if "missing" in path:
            raise NotFoundError(f"there is no file {path}")
        for done in (0, 50, 100):
            await call.progress({"name": Path(path).name, "done": done, "total": 100, "files_done": 0, "files": 1})
        item = replace(UBUNTU, name=Path(path).name)
        return {"item": to_json(item), "skipped": ["loop\x1b[31m"], "new": True}

    async def _get(self, call: Call) -> object:
        if not call.param("target", str).startswith(("bafyrei", "shoal:", "3")):
            raise UsageError("that is neither a CID nor a link")
        for done in (625_000_000, 1_250_000_000):
            await call.progress(to_json(replace(FETCHED, bytes_have=done)))
        if not call.param("wait", bool):
            return to_json(FETCHED)
        done = replace(UBUNTU, number=3, name="linux.iso", path=call.param("directory", str) + "/linux.iso")
        return to_json(done)

    async def _verify(self, call: Call) -> object:
        item = self.find(call)
        await call.progress({"name": item.name, "done": 1, "total": 2})
        return {"item": to_json(item), "bad_chunks": [3, 77] if item.number == 2 else [], "checked": item.chunks}

    def recorded(self) -> dict[str, Handler]:
        """Handlers that note each call and then do what `handlers` says at that moment."""

        def record(name: str) -> Handler:
            async def handler(call: Call) -> object:
                self.calls.put((name, call.params))
                return await self.handlers[name](call)

            return handler

        return {name: record(name) for name in self.handlers}

    async def run(self, started: Callable[[trio.lowlevel.TrioToken, trio.CancelScope], None]) -> None:
        with hold_folder(self.home / "lock") as lock, trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(ControlServer(self.home / "control.sock", self.recorded(), lock=lock).run)
                (self.home / "lock").write_text("")  # this process is no node: shutdown shall not wait for its end
                started(trio.lowlevel.current_trio_token(), scope)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[FakeNode]:
    """A fake node in a thread, with its data folder in `node.home`."""
    home = tmp_path / "home"
    home.mkdir()
    fake = FakeNode(home)
    running: queue.Queue[tuple[trio.lowlevel.TrioToken, trio.CancelScope]] = queue.Queue()
    thread = threading.Thread(target=trio.run, args=(fake.run, lambda token, scope: running.put((token, scope))))
    thread.start()
    token, scope = running.get(timeout=PATIENCE_S)
    yield fake
    token.run_sync_soon(scope.cancel)
    thread.join(PATIENCE_S)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a `shoal` process: this tree's code, compiled once as when installed, and nobody's home."""
    foreign = ("SHOAL_", "XDG_", "LC_", "LANG", "COLUMNS", "PYTHON", "COLORTERM", "TERM_PROGRAM", "CI", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ours = {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "pycache"), "PYTHONUTF8": "1"}
    return {**kept, **ours, "HOME": str(tmp_path), "TERM": "xterm"}


@pytest.fixture
def start(node: FakeNode, environ: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `shoal` with these words against the fake node."""

    def run(*words: str, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "node.cli", "--home", str(node.home), *words]
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environ, "cwd": tmp_path, "text": True}
        return subprocess.Popen(command, **{**settings, **options})

    return run


@pytest.fixture
def shoal(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., tuple[int, str, str]]:
    """Run `shoal` to its end: (exit code, stdout, stderr)."""

    def run(*words: str, **options: object) -> tuple[int, str, str]:
        with start(*words, **options) as process:
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
        return process.returncode, stdout, stderr

    return run


@pytest.fixture
def inside(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The same without a process of its own, for what doesn't need one."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--home", str(node.home), *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def events(stdout: str) -> list[dict]:
    """The NDJSON events of `--json`; fails on anything else."""
    found = [json.loads(line) for line in stdout.splitlines()]
    assert all(event["v"] == 1 for event in found)
    return found


@pytest.fixture(name="events")
def events_fixture() -> Callable[[str], list[dict]]:
    return events
