"""Shares whose files were touched and not changed: verified again by themselves, and never served meanwhile."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import trio

from node.services import rechecking
from node.services.snapshots import Snapshots
from node.status import TransferState
from node.store.identity import Identity
from node.store.verifying import verify
from protocols.exchange import Request
from tests.services.test_library import CHUNK, DATA, Here, node, share


def chmod(path: Path) -> None:
    path.chmod(0o600)


def hard_link(path: Path) -> None:
    os.link(path, path.with_name("another name"))


def copy_over(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def set_mtime(path: Path) -> None:
    os.utime(path, ns=(1, 1))


async def ask(here: Here, item) -> bytes | Exception | None:
    """What a peer that asks for the first chunk is given."""
    content = await here.library.find_content(item.cid)
    if content is None:
        return None
    (answer,) = await content.read([Request(0, 0, CHUNK)])
    if isinstance(answer, Exception):
        content.on_unreadable(answer)
    return answer


async def begun(here: Here, item) -> None:
    """Until it is noticed that the share was touched, or has changed."""

    def is_seeding() -> bool:
        return here.library.catalogue.get(item.cid).state is TransferState.SEEDING

    with trio.fail_after(20):
        while is_seeding() and item.cid not in here.library.rechecking:  # noqa: ASYNC110 - has no event
            await trio.sleep(0.001)


@pytest.fixture
def hashing(monkeypatch):
    """Verifying again begins with `hashing.began` and goes on after `hashing.may_go_on`."""

    class Hashing:
        began, may_go_on = threading.Event(), threading.Event()
        at_once = most = 0

    def held(*arguments):
        Hashing.at_once += 1
        Hashing.most = max(Hashing.most, Hashing.at_once)
        Hashing.began.set()
        try:
            while not Hashing.may_go_on.wait(0.01):
                arguments[-1].advance(0)  # raises Stopped
            return verify(*arguments)
        finally:
            Hashing.at_once -= 1

    monkeypatch.setattr(rechecking, "verify", held)
    return Hashing


@pytest.mark.parametrize("touch", [chmod, hard_link, copy_over, set_mtime])
async def test_a_touched_share_is_verified_by_itself_and_served_again(tmp_path, touch, hashing):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        assert await ask(here, item) == DATA[:CHUNK]
        touch(path)
        assert isinstance(await ask(here, item), Exception), "not before it is verified"
        await begun(here, item)
        assert await ask(here, item) is None
        here.host.addresses = list
        shown = Snapshots(here.library, here.host, SimpleNamespace(bans={})).item(item)
        assert (shown.state, shown.reason) == (TransferState.VERIFYING, "touched since it was shared")
        hashing.may_go_on.set()
        with trio.fail_after(20):
            await here.library.rechecking.settled(item.cid)
        assert here.library.catalogue.get(item.cid).state is TransferState.SEEDING
        assert await ask(here, item) == DATA[:CHUNK]


async def test_a_share_of_other_bytes_and_the_same_size_ends_in_error_with_todays_sentence(tmp_path):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        path.write_bytes(DATA[:-1] + bytes([DATA[-1] ^ 1]))
        assert isinstance(await ask(here, item), Exception)
        failed = await here_until(here, item, TransferState.ERROR)
        assert failed.reason == f"changed since it was shared; verify it or share it again: {path}"
        assert await ask(here, item) is None


async def here_until(here: Here, item, state: TransferState):
    with trio.fail_after(20):
        while (found := here.library.catalogue.get(item.cid)).state is not state:  # noqa: ASYNC110 - has no event
            await trio.sleep(0.005)
    return found


async def test_many_touched_shares_are_verified_one_at_a_time(tmp_path, hashing):
    async with node(tmp_path) as here:
        items = []
        for number in range(4):
            path = tmp_path / f"{number}.bin"
            path.write_bytes(DATA[number:])
            items.append((await here.library.share(str(path), lambda *_: None)).item)
            path.chmod(0o600)
        for item in items:
            await ask(here, item)
            await begun(here, item)
        hashing.may_go_on.set()
        with trio.fail_after(30):
            for item in items:
                await here.library.rechecking.settled(item.cid)
        assert hashing.most == 1
        assert all(here.library.catalogue.get(item.cid).state is TransferState.SEEDING for item in items)


async def test_a_command_does_not_wait_for_it(tmp_path, hashing):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        path.chmod(0o600)
        await ask(here, item)
        await trio.to_thread.run_sync(hashing.began.wait, 20)
        with trio.fail_after(20):
            assert (await here.library.stop(item)).state is TransferState.COMPLETE
        assert item.cid not in here.library.rechecking
        hashing.may_go_on.set()
        await here.library.resume(item)
        with trio.fail_after(20):
            await here.library.rechecking.settled(item.cid)
        assert await ask(here, item) == DATA[:CHUNK]


async def test_a_share_that_rotted_without_a_trace_is_not_served_after_resume(tmp_path):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        path.write_bytes(bytes(len(DATA)))
        await here.library.verify(item, lambda done: None)
        assert here.library.catalogue.get(item.cid).state is TransferState.ERROR
        here.library.catalogue.set_identities(item.cid, [Identity.of(path.stat())])
        await here.library.resume(item)
        await here_until(here, item, TransferState.ERROR)
        assert await ask(here, item) is None
