"""`get` as whoever waits for it sees it: what it ends with, whatever other terminals do to the same file meanwhile."""

from __future__ import annotations

import re

import pytest
import trio

from node.api.getting import GetApi
from node.errors import NoPeersError, NotFoundError, ShoalError, StorageError, UsageError
from node.services.choosing import Choosing
from node.services.snapshots import Snapshots
from node.status import TransferState
from node.store import importing
from tests.services.fakes import CHUNK
from tests.services.test_library import CONTENT, DATA, Here, node, share

NOBODY_HAS_IT = "bafyreieuvqg6lglhhvvhubc5ey3d7xbbzfrwzawdnjqrrrv2nkycmlh2sm"

SLOW_BPS = 400_000.0
"""DATA takes seconds at this rate: time to do something to its download."""


class Call:
    """A call of the control socket, as a handler sees it."""

    method = "get"

    def __init__(self, **params) -> None:
        self.params = params
        self.told = 0

    def param(self, name, kind, default=None):
        return self.params.get(name, default)

    async def progress(self, value) -> None:
        self.told += 1
        await trio.lowlevel.checkpoint()


def api(here: Here) -> GetApi:
    here.host.addresses = list  # a link of its own has none
    return GetApi(here.library, Choosing(here.library), Snapshots(here.library, here.host, None), None)


async def get(here: Here, directory, target=str(CONTENT.cid), **params):
    call = Call(target=target, directory=str(directory), elsewhere_is_wrong=True, **params)
    return await api(here).get(call)


async def while_waiting(here: Here, command) -> list:
    """What a waiting `get` ends with if another terminal does `command` meanwhile: its answer or its error."""
    ended = []
    await Choosing(here.library).limit_node((None, SLOW_BPS))
    item = await here.get()

    async def wait() -> None:
        try:
            ended.append(await get(here, here.folder))
        except ShoalError as error:
            ended.append(error)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await here.until_some_is_here()
            await command(item)
    return ended


async def test_who_waits_is_told_that_it_was_paused_and_how_it_goes_on(tmp_path):
    async with node(tmp_path) as here:
        (error,) = await while_waiting(here, here.library.pause)
        assert str(error) == "#1 file.bin was paused; go on with: shoal resume 1"


async def test_who_waits_is_told_that_it_was_cancelled(tmp_path):
    async with node(tmp_path) as here:

        async def cancel(item) -> None:
            await here.library.cancel(item, delete=True)

        (error,) = await while_waiting(here, cancel)
        assert re.fullmatch(r"#1 \S+ was cancelled", str(error))


async def test_who_waits_has_it_when_the_same_is_shared_meanwhile_and_no_partial_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "chunk_size_for", lambda sizes: CHUNK)
    async with node(tmp_path) as here:
        (answer,) = await while_waiting(here, lambda item: share(here, tmp_path / "file.bin"))
        assert answer["state"] == TransferState.SEEDING
        assert answer["path"] == str(tmp_path / "file.bin")
        assert list((tmp_path / "downloads").iterdir()) == []


async def test_who_waits_goes_on_waiting_while_it_is_verified(tmp_path):
    async with node(tmp_path) as here:

        async def verify(item) -> None:
            await here.library.verify(item, lambda done: None)
            await Choosing(here.library).limit_node((None, None))

        (answer,) = await while_waiting(here, verify)
        assert answer["state"] == TransferState.SEEDING
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


async def test_a_download_of_which_nothing_is_here_can_go_to_another_folder(tmp_path):
    async with node(tmp_path) as here:
        taken = tmp_path / "downloads" / "file.bin"
        taken.write_bytes(b"something else")
        with pytest.raises(StorageError, match=r"exists and has other content.* another folder with -o"):
            await get(here, here.folder)
        (tmp_path / "free").mkdir()
        answer = await get(here, tmp_path / "free")
        assert answer["path"] == str(tmp_path / "free" / "file.bin")
        assert (tmp_path / "free" / "file.bin").read_bytes() == DATA
        assert taken.read_bytes() == b"something else"


async def test_a_download_that_nobody_has_can_go_to_another_folder(tmp_path):
    async with node(tmp_path) as here:
        for folder in ("one", "two"):
            with pytest.raises(NoPeersError, match="goes on looking"):
                await get(here, tmp_path / folder, NOBODY_HAS_IT, patience_s=0.01)
        (item,) = here.library.catalogue.items()
        assert item.destination == str(tmp_path / "two")
        assert item.cid in here.library.active


async def test_a_download_of_which_something_is_here_stays_where_that_is(tmp_path):
    async with node(tmp_path) as here:
        await here.get()
        await here.until_some_is_here()
        with pytest.raises(UsageError, match=r"is partly in|is complete in"):
            await get(here, tmp_path / "elsewhere")
        await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA


@pytest.mark.parametrize("target", ["http://example.com", "notes.txt", ""])
async def test_a_target_that_is_nothing_is_told_with_what_it_could_have_been(tmp_path, target):
    async with node(tmp_path) as here:
        with pytest.raises(UsageError, match="is no CID, link, number or name here"):
            await get(here, tmp_path, target)


async def test_a_number_that_means_nothing_is_told_where_numbers_come_from(tmp_path):
    async with node(tmp_path) as here:
        with pytest.raises(NotFoundError, match=r"no hit 9 .* and no row 9; `search` .* `list`"):
            await get(here, here.folder, target="9")
