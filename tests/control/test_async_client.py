"""The dashboard's client against a real server: answers, failures, and every way the node can go away."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from node.control.async_client import LONG_LINE, AsyncControlClient, open_client
from node.control.lock import hold_folder
from node.control.server import Call, ControlServer
from node.errors import NoNodeError, NotFoundError


async def answer(call: Call) -> object:
    await call.progress({"done": 1})
    return {"said": call.params.get("word")}


async def refuse(call: Call) -> object:
    raise NotFoundError("there is no file 9")


async def rows(call: Call) -> object:
    return ["x" * 50] * (LONG_LINE // 25)


async def hang(call: Call) -> object:
    await trio.sleep_forever()
    return None


@pytest.fixture
async def socket(tmp_path: Path, nursery):
    with hold_folder(tmp_path / "lock") as lock:
        handlers = {"answer": answer, "refuse": refuse, "rows": rows, "hang": hang}
        await nursery.start(ControlServer(tmp_path / "control.sock", handlers, lock=lock).run)
        yield tmp_path / "control.sock"


async def test_calls_one_after_the_other(socket):
    async with open_client(socket) as client:
        for word in ("one", "two"):
            assert await client.call("answer", {"word": word}) == {"said": word}
        assert len(await client.call("rows")) == LONG_LINE // 25


async def test_a_failure_is_its_error_and_the_connection_goes_on(socket):
    async with open_client(socket) as client:
        with pytest.raises(NotFoundError, match="no file 9"):
            await client.call("refuse")
        assert await client.call("answer") == {"said": None}


async def test_no_answer_in_time_is_a_node_that_is_gone(socket, autojump_clock):
    async with open_client(socket) as client:
        with pytest.raises(NoNodeError, match="no answer within 5 s"):
            await client.call("hang", timeout_s=5.0)


async def test_nobody_at_the_socket(tmp_path):
    with pytest.raises(NoNodeError, match="no node is running"):
        async with open_client(tmp_path / "control.sock"):
            pass


@pytest.mark.parametrize(("words", "sentence"), [(b"", "went away"), (b"nonsense\n", "isn't JSON|isn't understood")])
async def test_a_node_that_hangs_up_or_talks_nonsense(tmp_path, nursery, words, sentence):
    path = tmp_path / "control.sock"
    listener = trio.socket.socket(trio.socket.AF_UNIX)
    await listener.bind(str(path))
    listener.listen()

    async def talk() -> None:
        peer, _ = await listener.accept()
        await peer.recv(100)
        await peer.send(words)
        peer.close()

    nursery.start_soon(talk)
    async with open_client(path) as client:
        with pytest.raises(NoNodeError, match=sentence):
            await client.call("answer")


async def test_the_same_is_said_over_any_stream_as_over_the_socket(tmp_path, nursery):
    """As a node and its dashboard in one process do."""
    with hold_folder(tmp_path / "lock") as lock:
        server = ControlServer(tmp_path / "control.sock", {"answer": answer, "refuse": refuse}, lock=lock)
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(server.serve, theirs)
        async with ours:
            client = AsyncControlClient(ours)
            assert await client.call("answer", {"word": "here"}) == {"said": "here"}
            with pytest.raises(NotFoundError, match="no file 9"):
                await client.call("refuse")
            assert not (tmp_path / "control.sock").exists()
