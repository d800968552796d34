"""Commands whose client hangs up, at each moment that one can: what is on record is what happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from node.services.library import Library
from node.status import TransferState
from node.store.errors import DiskFull
from node.store.items import Item
from protocols.cid import Cid
from tests.services.test_library import CONTENT, LINK, Here, node

MOMENTS = range(3, 13)
"""Before and after these nothing is half done."""


async def interrupt(command: Callable[[], Awaitable[object]], moment: int) -> None:
    """Begin a command and cancel it when it has waited so often."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(command)
            for _ in range(moment):
                await trio.lowlevel.checkpoint()
            scope.cancel()


def check_record(library: Library, cid: Cid) -> TransferState | None:
    """What is on record of an item, which has to be what happens."""
    item = library.catalogue.find(cid)
    state = item.state if item else None
    assert (cid in library.active) == (state is TransferState.DOWNLOADING)
    if state is TransferState.SEEDING:
        assert library.providing.status(cid.multihash) is not None
    elif state is not TransferState.DOWNLOADING:
        assert library.providing.status(cid.multihash) is None
        assert cid not in library.exchange.swarms
    return state


async def downloading(here: Here) -> Item:
    item = await here.get()
    await trio.sleep(0.1)
    assert 0 < here.library.catalogue.get(item.cid).chunks_have < CONTENT.geometry.chunk_count
    return item


async def seeding(here: Here) -> Item:
    await here.get()
    return await here.until(TransferState.SEEDING)


async def stopped(here: Here) -> Item:
    return await here.library.stop(await seeding(here))


COMMANDS: tuple[tuple[Callable[[Here], Awaitable[Item]], Callable[[Library, Item], Awaitable[object]]], ...] = (
    (downloading, lambda library, item: library.pause(item)),
    (downloading, lambda library, item: library.cancel(item, delete=True)),
    (downloading, lambda library, item: library.verify(item, lambda done: None)),
    (seeding, lambda library, item: library.stop(item)),
    (seeding, lambda library, item: library.cancel(item, delete=False)),
    (stopped, lambda library, item: library.resume(item)),
)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("reach", "command"), COMMANDS)
async def test_a_command_that_nobody_waits_for_is_done_or_not_begun(autojump_clock, tmp_path, reach, command, moment):
    async with node(tmp_path) as here:
        item = await reach(here)
        await interrupt(lambda: command(here.library, item), moment)
        check_record(here.library, item.cid)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_get_that_nobody_waits_for_is_begun_or_not(autojump_clock, tmp_path, moment):
    async with node(tmp_path) as here:
        await interrupt(here.get, moment)
        check_record(here.library, CONTENT.cid)


async def test_a_command_that_fails_lets_the_download_go_on(autojump_clock, tmp_path, monkeypatch):
    def full(*arguments):
        raise DiskFull("the disk is full")

    async with node(tmp_path) as here:
        item = await downloading(here)
        with monkeypatch.context() as patch:
            patch.setattr(here.library.catalogue, "set_state", full)
            with pytest.raises(DiskFull):
                await here.library.pause(item)
        assert check_record(here.library, LINK.cid) is TransferState.DOWNLOADING
        await here.until(TransferState.SEEDING)
