"""A finished download that is found damaged: one command fetches again what is bad, and nothing else."""

from __future__ import annotations

import pytest

from node.status import TransferState
from tests.services.test_library import CHUNK, CONTENT, DATA, LINK, Here, node, share


async def damaged(here: Here):
    """A finished download with one wrong chunk, after `verify`."""
    await here.get()
    item = await here.until(TransferState.SEEDING)
    with open(item.path, "r+b") as file:  # noqa: ASYNC230 - one byte
        file.seek(7 * CHUNK)
        file.write(bytes([DATA[7 * CHUNK] ^ 1]))
    item, verified = await here.library.verify(item, lambda done: None)
    assert verified.bad == (7,)
    assert item.state is TransferState.ERROR
    assert item.reason == f"1 of 40 chunks are not what was shared; fetch them again: resume {item.number}"
    assert item.chunks_have == 39
    return item


@pytest.mark.parametrize("command", ["get", "resume"])
async def test_only_the_bad_chunk_is_fetched_again(tmp_path, command):
    async with node(tmp_path) as here:
        item = await damaged(here)
        before = here.library.catalogue.get(item.cid).received
        await (here.get() if command == "get" else here.library.resume(item))
        item = await here.until(TransferState.SEEDING, TransferState.ERROR)
        assert item.state is TransferState.SEEDING
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == DATA
        await here.library.totals.save()
        assert here.library.catalogue.get(item.cid).received - before == CHUNK
        assert await here.library.find_content(CONTENT.cid)


async def test_another_folder_that_was_named_is_downloaded_into_and_the_damaged_file_stays(tmp_path):
    async with node(tmp_path) as here:
        await damaged(here)
        kept = (tmp_path / "downloads" / "file.bin").read_bytes()
        (tmp_path / "other").mkdir()
        await here.library.get(LINK, str(tmp_path / "other"), (), is_elsewhere_wrong=True)
        await here.until(TransferState.SEEDING)
        assert (tmp_path / "other" / "file.bin").read_bytes() == DATA
        assert (tmp_path / "downloads" / "file.bin").read_bytes() == kept


async def test_a_file_that_its_maker_has_changed_is_never_put_back(tmp_path):
    async with node(tmp_path) as here:
        path = tmp_path / "file.bin"
        item = await share(here, path)
        path.write_bytes(bytes(len(DATA)))
        item, _ = await here.library.verify(item, lambda done: None)
        assert item.reason.endswith("share it again as it is")
        await here.library.resume(item)
        await here.library.rechecking.settled(item.cid)
        assert here.library.catalogue.get(item.cid).state is TransferState.ERROR
        assert path.read_bytes() == bytes(len(DATA))
