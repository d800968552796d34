"""The synchronous client, against a real server in another thread and against sockets that misbehave."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from node.control import client as client_module
from node.control.client import ControlClient
from node.errors import AmbiguousError, NoNodeError, NotFoundError, ShoalError, UsageError


async def in_thread(function, *arguments):
    with trio.fail_after(60):
        return await trio.to_thread.run_sync(function, *arguments)


def call_once(path: Path, method: str, params: dict | None = None, **options: object) -> object:
    with ControlClient(path) as client:
        return client.call(method, params, **options)


async def test_results_progress_and_failures_come_through(serve):
    async def work(call):
        await call.progress({"done": 1})
        await trio.testing.wait_all_tasks_blocked()
        return {"got": call.params}

    async def fail(call):
        raise AmbiguousError("two files begin so")

    def use(path):
        seen = []
        with ControlClient(path) as client:
            assert client.call("work", {"a": [1, None]}, on_progress=seen.append) == {"got": {"a": [1, None]}}
            assert seen == [{"done": 1}]
            assert client.call("work") == {"got": {}}
            with pytest.raises(AmbiguousError, match="two files begin so"):
                client.call("fail")
            with pytest.raises(ShoalError, match="another version"):
                client.call("frobnicate")

    async with serve({"work": work, "fail": fail}) as path:
        await in_thread(use, path)


async def test_every_exit_code_becomes_its_own_exception_again(serve):
    """Those of `node.errors`, whatever other layers have made of them and is loaded here too."""

    class PeculiarError(ShoalError):
        """Another layer's, with a code that has an exception already."""

        code = UsageError.code

    documented = [kind for kind in ShoalError.__subclasses__() if kind.__module__ == "node.errors"]

    async def fail(call):
        raise next(kind for kind in documented if kind.code == call.params["code"])("so it is")

    async with serve({"fail": fail}) as path:
        for kind in documented:
            with pytest.raises(kind, match="so it is"):
                await in_thread(call_once, path, "fail", {"code": int(kind.code)})


async def test_a_node_in_a_deep_folder_is_reached(tmp_path):
    from node.control.lock import hold_folder
    from node.control.server import ControlServer

    async def echo(call):
        return call.params

    home = tmp_path / ("deep" * 30)
    home.mkdir()
    with hold_folder(home / "lock") as lock:
        async with trio.open_nursery() as nursery:
            await nursery.start(ControlServer(home / "control.sock", {"echo": echo}, lock=lock).run)
            assert await in_thread(call_once, home / "control.sock", "echo", {"a": 1}) == {"a": 1}
            nursery.cancel_scope.cancel()


def test_without_a_node_the_sentence_says_how_to_start_one(tmp_path):
    for path in (tmp_path / "control.sock", tmp_path / "no" / "such" / "folder.sock"):
        with pytest.raises(NoNodeError, match="start one with: shoal daemon"):
            ControlClient(path)
    stale = tmp_path / "stale.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(stale))
    dead.close()
    with pytest.raises(NoNodeError, match="start one with: shoal --home /x daemon"):
        ControlClient(stale, start_command="shoal --home /x daemon")


def test_a_socket_of_another_user_is_not_called_missing(tmp_path, monkeypatch):
    class Refused(socket.socket):
        def connect(self, address):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(client_module.socket, "socket", Refused)
    with pytest.raises(NoNodeError, match="belongs to another user"):
        ControlClient(tmp_path / "control.sock")


@pytest.fixture
def odd_node(tmp_path):
    """A socket whose node does with a connection what the test says."""
    threads: list[threading.Thread] = []

    def start(behave: Callable[[socket.socket], None]) -> Path:
        path = tmp_path / "odd.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            connection, _ = listener.accept()
            with connection, listener:
                behave(connection)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return path

    yield start
    for thread in threads:
        thread.join(60)


def test_a_node_that_dies_during_a_call_is_reported(odd_node):
    path = odd_node(lambda connection: connection.recv(1000))
    with pytest.raises(NoNodeError, match="went away"):
        call_once(path, "status")


def test_a_node_that_says_nonsense_is_reported(odd_node):
    path = odd_node(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\n") or connection.recv(1000))
    with pytest.raises(NoNodeError, match="another version"):
        call_once(path, "status")


def test_a_node_that_says_nothing_is_given_up_in_time(odd_node):
    path = odd_node(lambda connection: connection.recv(1000) and connection.recv(1000))
    with pytest.raises(NoNodeError, match=r"no answer within 0\.1 s"):
        call_once(path, "status", timeout_s=0.1)


def test_a_refusal_is_read_even_if_the_node_has_hung_up(odd_node):
    refused = threading.Event()

    def refuse(connection):
        connection.sendall(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"too many clients"}}\n')
        connection.close()
        refused.set()

    with ControlClient(odd_node(refuse)) as client:
        assert refused.wait(60)
        with pytest.raises(ShoalError, match="too many clients"):
            client.call("status")


def test_answers_to_nobody_are_passed_over(odd_node):
    def answer(connection):
        connection.sendall(b'{"jsonrpc":"2.0","id":99,"result":1}\n')
        connection.sendall(b'{"jsonrpc":"2.0","id":1,"error":{"code":4,"message":"gone"}}\n')
        connection.recv(1000)

    with pytest.raises(NotFoundError, match="gone"):
        call_once(odd_node(answer), "info")
