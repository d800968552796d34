"""The server: every client gets its answers, and none can harm the node or another client."""

from __future__ import annotations

import logging
import os
import socket
import stat

import pytest
import trio
import trio.testing

from node.control.lock import hold_folder
from node.control.server import MAX_CALLS, MAX_CLIENTS, ControlServer
from node.control.wire import MAX_REQUEST, ErrorCode
from node.errors import NotFoundError, StorageError


async def echo(call):
    return call.params


async def test_a_call_gets_its_answer(serve, connect):
    async with serve({"echo": echo}) as path, connect(path) as client:
        await client.call("echo", 7, text="häh\u2028")
        assert await client.read() == {"jsonrpc": "2.0", "id": 7, "result": {"text": "häh\u2028"}}


async def test_a_request_may_arrive_byte_by_byte(serve, connect):
    async with serve({"echo": echo}) as path, connect(path) as client:
        for byte in b'{"jsonrpc":"2.0","id":1,"method":"echo"}\n':
            await client.send(bytes([byte]))
        assert (await client.read())["result"] == {}


async def test_only_the_owner_may_connect(serve, tmp_path):
    async with serve({}) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_socket_of_a_killed_node_is_replaced(serve, connect, tmp_path):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "control.sock"))
    dead.close()
    async with serve({"echo": echo}) as path, connect(path) as client:
        await client.call("echo")
        assert "result" in await client.read()


async def test_a_file_in_the_sockets_place_is_left_alone(tmp_path):
    path = tmp_path / "control.sock"
    path.write_text("mine")
    with hold_folder(tmp_path / "lock") as lock, pytest.raises(StorageError, match=r"control\.sock"):
        await ControlServer(path, {}, lock=lock).run()
    assert path.read_text() == "mine"


async def test_the_lock_of_another_folder_is_no_permission(tmp_path):
    (tmp_path / "other").mkdir()
    with hold_folder(tmp_path / "other" / "lock") as lock, pytest.raises(ValueError, match="another"):
        ControlServer(tmp_path / "control.sock", {}, lock=lock)


async def test_a_data_folder_may_lie_deeper_than_a_socket_address_reaches(tmp_path, connect):
    home = tmp_path / ("deep" * 30) / ("folder" * 20)
    home.mkdir(parents=True)
    path = home / "control.sock"
    assert len(os.fsencode(path)) > 200
    with hold_folder(home / "lock") as lock:
        async with trio.open_nursery() as nursery:
            await nursery.start(ControlServer(path, {"echo": echo}, lock=lock).run)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            nursery.cancel_scope.cancel()
    assert not path.exists()


async def test_garbage_is_answered_and_the_connection_goes_on(serve, connect):
    async with serve({"echo": echo}) as path, connect(path) as client:
        await client.send(b"\x00\xff garbage\n[]\n{}\n")
        assert (await client.read())["error"]["code"] == ErrorCode.PARSE
        assert (await client.read())["error"]["code"] == ErrorCode.INVALID_REQUEST
        assert (await client.read())["error"]["code"] == ErrorCode.INVALID_REQUEST
        await client.call("echo", 2)
        assert (await client.read())["id"] == 2


async def test_an_overlong_line_is_refused_and_the_connection_goes_on(serve, connect):
    async with serve({"echo": echo}) as path, connect(path) as client:
        await client.call("echo", 1, text="x" * MAX_REQUEST)
        answer = await client.read()
        assert answer["id"] is None
        assert "longer" in answer["error"]["message"]
        await client.call("echo", 2)
        assert (await client.read())["id"] == 2


async def test_an_unknown_method_is_named(serve, connect):
    async with serve({}) as path, connect(path) as client:
        await client.call("sahre")
        error = (await client.read())["error"]
        assert error["code"] == ErrorCode.UNKNOWN_METHOD
        assert "sahre" in error["message"]


async def test_an_expected_failure_has_the_exit_code_also_out_of_a_nursery(serve, connect):
    async def fail(call):
        raise NotFoundError("there is no file 9")

    async def fail_in_nursery(call):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, call)

    async with serve({"fail": fail, "nursery": fail_in_nursery}) as path, connect(path) as client:
        for method in ("fail", "nursery"):
            await client.call(method)
            assert (await client.read())["error"] == {"code": 4, "message": "there is no file 9"}


async def test_a_handlers_bug_is_logged_and_costs_one_answer(serve, connect, caplog):
    async def crash(call):
        raise ZeroDivisionError("secret detail")

    async def unsendable(call):
        return {"value": object()}

    with caplog.at_level(logging.ERROR):
        async with serve({"crash": crash, "unsendable": unsendable, "echo": echo}) as path, connect(path) as client:
            for method in ("crash", "unsendable"):
                await client.call(method)
                error = (await client.read())["error"]
                assert error["code"] == ErrorCode.INTERNAL
                assert "secret" not in error["message"]
            await client.call("echo", 3)
            assert (await client.read())["id"] == 3
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({}, "target as text"),
        ({"target": 5}, "target as text"),
        ({"target": "a", "cells": True}, "cells as an integer"),
    ],
)
async def test_wrong_parameters_are_the_callers_mistake(serve, connect, params, complaint):
    async def info(call):
        return [call.param("target", str), call.param("cells", int, 16)]

    async with serve({"info": info}) as path, connect(path) as client:
        await client.call("info", **params)
        error = (await client.read())["error"]
        assert error["code"] == 2
        assert complaint in error["message"]
        await client.call("info", target="a")
        assert (await client.read())["result"] == ["a", 16]


async def test_an_integer_is_a_number(serve, connect):
    async def wait(call):
        return call.param("timeout_s", float, 1.0)

    async with serve({"wait": wait}) as path, connect(path) as client:
        await client.call("wait", timeout_s=3)
        assert (await client.read())["result"] == 3.0


async def test_progress_comes_before_the_answer_with_the_id_of_its_request(serve, connect):
    async def work(call):
        for done in range(3):
            await call.progress({"done": done})
            await trio.testing.wait_all_tasks_blocked()
        return "finished"

    async with serve({"work": work}) as path, connect(path) as client:
        await client.call("work", 5)
        for done in range(3):
            expected = {"jsonrpc": "2.0", "method": "progress", "params": {"id": 5, "value": {"done": done}}}
            assert await client.read() == expected
        assert (await client.read())["result"] == "finished"


async def test_a_client_that_does_not_read_neither_blocks_its_handler_nor_collects_progress(serve, connect):
    finished = trio.Event()

    async def work(call):
        for done in range(2_000):
            await call.progress({"done": done, "padding": "x" * 2_000})
        finished.set()
        return "finished"

    async with serve({"work": work, "echo": echo}) as path, connect(path) as slow, connect(path) as other:
        await slow.call("work")
        with trio.fail_after(60):
            await finished.wait()
        await other.call("echo")
        assert "result" in await other.read()
        seen = []
        while "result" not in (message := await slow.read()):
            seen.append(message["params"]["value"]["done"])
        assert seen == sorted(seen)
        assert seen[-1] == 1_999  # the newest is never the one that is dropped
        assert len(seen) < 1_000


async def test_a_client_that_never_reads_is_not_read_from_for_ever(serve, connect):
    answered = []

    async def big(call):
        answered.append(call.params)
        return "x" * 100_000

    async with serve({"big": big, "echo": echo}) as path, connect(path) as greedy, connect(path) as other:
        with trio.move_on_after(0.3):
            for request_id in range(100_000):
                await greedy.call("big", request_id)
        await other.call("echo")
        assert "result" in await other.read()
    assert len(answered) < 200


async def test_a_client_that_hangs_up_takes_its_handlers_with_it(serve, connect):
    started, cancelled = trio.Event(), trio.Event()

    async def work(call):
        started.set()
        try:
            await trio.sleep_forever()
        finally:
            cancelled.set()

    async with serve({"work": work, "echo": echo}) as path, connect(path) as other:
        async with connect(path) as client:
            await client.call("work")
            await started.wait()
        with trio.fail_after(60):
            await cancelled.wait()
        await other.call("echo")
        assert "result" in await other.read()


async def test_calls_of_one_client_run_side_by_side_up_to_a_bound(serve, connect):
    release = trio.Event()

    async def work(call):
        await release.wait()
        return call.params

    async with serve({"work": work}) as path, connect(path) as client:
        for request_id in range(MAX_CALLS + 1):
            await client.call("work", request_id)
        refused = await client.read()
        assert (refused["id"], refused["error"]["code"]) == (MAX_CALLS, ErrorCode.BUSY)
        await client.call("work", 3)
        assert "id" in (await client.read())["error"]["message"]
        release.set()
        assert {(await client.read())["id"] for _ in range(MAX_CALLS)} == set(range(MAX_CALLS))


async def test_one_client_too_many_is_told_so_and_a_place_gets_free_again(serve, connect):
    async with serve({"echo": echo}) as path:
        async with trio.open_nursery() as nursery:
            streams = [await trio.open_unix_socket(path) for _ in range(MAX_CLIENTS)]
            for stream in streams:
                await stream.send_all(b'{"jsonrpc":"2.0","id":1,"method":"echo"}\n')
                await stream.receive_some()
            async with connect(path) as client:
                assert (await client.read())["error"]["code"] == ErrorCode.BUSY
                with pytest.raises(EOFError):
                    await client.read()
            for stream in streams:
                nursery.start_soon(stream.aclose)
        with trio.fail_after(60):
            while True:
                async with connect(path) as client:
                    await client.call("echo")
                    try:
                        if "result" in await client.read():
                            break
                    except trio.BrokenResourceError:
                        pass


async def test_a_long_list_arrives_whole(serve, connect):
    rows = [{"number": number, "name": "x" * 100} for number in range(5_000)]

    async def list_(call):
        return rows

    async with serve({"list": list_}) as path, connect(path) as client:
        await client.call("list")
        assert (await client.read())["result"] == rows
