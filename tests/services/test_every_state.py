"""Pause, resume and cancel at every state a download can be in: each does what it says or says why it can't.

And whatever it did, the same file can be fetched afterwards, and what was whole stays whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from node.errors import UsageError
from node.status import TransferState
from node.store.items import Item
from tests.services.test_library import CONTENT, DATA, Here, node


async def just_begun(here: Here) -> Item:
    return await here.get()


async def with_some_chunks(here: Here) -> Item:
    item = await here.get()
    await here.until_some_is_here()
    return item


async def paused(here: Here) -> Item:
    return await here.library.pause(await with_some_chunks(here))


async def in_error(here: Here) -> Item:
    item = await paused(here)
    here.library.catalogue.set_state(item.cid, TransferState.ERROR, "the disk reports an I/O error")
    return here.library.catalogue.get(item.cid)


async def seeding(here: Here) -> Item:
    await here.get()
    return await here.until(TransferState.SEEDING)


async def stopped_when_whole(here: Here) -> Item:
    return await here.library.stop(await seeding(here))


STATES: tuple[Callable[[Here], Awaitable[Item]], ...] = (
    just_begun,
    with_some_chunks,
    paused,
    in_error,
    seeding,
    stopped_when_whole,
)
ACTIONS = ("pause", "resume", "cancel and keep", "cancel and delete")


async def act(here: Here, action: str, item: Item) -> None:
    if action.startswith("cancel"):
        await here.library.cancel(item, delete="delete" in action)
    else:
        await getattr(here.library, action)(item)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("reach", STATES)
async def test_the_action_is_done_or_refused_and_the_file_can_be_had(tmp_path: Path, reach, action):
    file = tmp_path / "downloads" / "file.bin"
    async with node(tmp_path) as here:
        item = await reach(here)
        whole = item.is_complete
        refused = False
        try:
            await act(here, action, item)
        except UsageError:
            refused = True
        row = here.library.catalogue.find(CONTENT.cid)
        assert not refused or (row is not None and row.is_complete), "only what is whole may be refused"
        if action.startswith("cancel") and not refused:
            assert row is None
        else:
            assert row is not None
            if action == "pause" and not refused:
                assert row.state is TransferState.PAUSED
        if whole:
            assert file.read_bytes() == DATA, "what is whole is never touched"
            if row is not None:
                await here.library.resume(row)
        elif row is not None and row.state is TransferState.COMPLETE:
            await here.library.resume(row)
        if row is None and whole:
            file.unlink()
        if row is None or not row.is_complete:
            await here.get()
        await here.until(TransferState.SEEDING)
        assert file.read_bytes() == DATA
