"""What a person chooses of a download: some files of a folder, their order, its limits; now, later, after a restart."""

from __future__ import annotations

import hashlib
import random
from functools import partial

import pytest
import trio

from node.errors import NotFoundError, UsageError
from node.services.choosing import Choosing
from node.services.content import Content
from node.status import TransferState
from node.swarm.selection import Priority
from protocols.bitfield import Bitfield
from protocols.link import Link
from protocols.manifest import FileEntry, Manifest, decode, encode
from tests.services.fakes import CHUNK
from tests.services.test_interrupted import interrupt
from tests.services.test_library import node

FILES = {
    "docs/a.pdf": random.Random(1).randbytes(3 * CHUNK),
    "docs/b.txt": b"short",
    "docs/empty": b"",
    "film.mkv": random.Random(2).randbytes(9 * CHUNK + 5),
    "notes.txt": b"a note",
}


class Reader:
    """The chunks of FILES."""

    def __init__(self, manifest: Manifest) -> None:
        self.geometry = manifest.geometry

    def read(self, index, offset, length) -> bytes:
        span = self.geometry.chunk(index)
        start = span.offset + offset
        return list(FILES.values())[span.file_index][start : start + length]


def folder() -> Content:
    digests = b"".join(
        hashlib.sha256(data[at : at + CHUNK]).digest() for data in FILES.values() for at in range(0, len(data), CHUNK)
    )
    entries = tuple(
        FileEntry(tuple(path.split("/")), len(data), hashlib.sha256(data).digest()) for path, data in FILES.items()
    )
    encoded = encode(Manifest("things", CHUNK, entries, digests, is_folder=True))
    manifest = decode(encoded.block)
    have = Bitfield.full(manifest.geometry.chunk_count)
    return Content(encoded.cid, manifest, (encoded.block,), have, Reader(manifest))


CONTENT = folder()
LINK = Link(CONTENT.cid)


async def get(here, *only: str):
    async def prepare(item):
        if only:
            await Choosing(here.library).want_only(item, only)

    return await here.library.get(LINK, here.folder, (), prepare=prepare)


async def until_at_rest(here):
    with trio.fail_after(60):
        while not (active := here.library.active.get(CONTENT.cid)) or not active.task.is_resting:  # noqa: ASYNC110
            await trio.sleep(0.005)
        return active.task


async def until_complete(here):
    with trio.fail_after(60):
        while not here.library.catalogue.get(CONTENT.cid).is_complete:  # noqa: ASYNC110 - a catalogue has no event
            await trio.sleep(0.005)


def tree(tmp_path) -> dict[str, bytes]:
    """The files under the final name."""
    root = tmp_path / "downloads" / "things"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def some(*names: str) -> dict[str, bytes]:
    return {name: FILES[name] for name in names}


async def test_only_what_was_asked_for_before_anything_was_known_is_fetched(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        await get(here, "docs", "note*")
        task = await until_at_rest(here)
        assert tree(tmp_path) == some("docs/a.pdf", "docs/b.txt", "docs/empty", "notes.txt")
        assert task.state is TransferState.SEEDING
        item = here.library.catalogue.get(CONTENT.cid)
        assert (item.skipped_files, item.skipped_bytes) == (1, len(FILES["film.mkv"]))
        assert item.size - item.skipped_bytes == item.bytes_have
        served = here.library.exchange.swarms[CONTENT.cid].content
        assert served.have.count == 5, "what is here is shared"


async def test_what_was_skipped_can_come_later(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "*.txt")
        await until_at_rest(here)
        choosing = Choosing(here.library)
        await choosing.prioritize(item, ["docs"], Priority.HIGH)
        with trio.fail_after(60):
            while len(tree(tmp_path)) < 4:  # noqa: ASYNC110 - a folder has no event
                await trio.sleep(0.005)
        await until_at_rest(here)
        await choosing.prioritize(item, [], Priority.NORMAL)
        await until_complete(here)
        assert tree(tmp_path) == FILES
        assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["things"]
        item = here.library.catalogue.get(CONTENT.cid)
        assert (item.state, item.skipped_files, item.skipped_bytes) == (TransferState.SEEDING, 0, 0)


async def test_a_download_at_rest_is_so_again_after_a_restart(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        await get(here, "docs/a.pdf")
        await until_at_rest(here)
        await here.library.close()
    async with node(tmp_path, CONTENT) as here:
        task = await until_at_rest(here)
        assert task.machine.have.count == 3
        assert tree(tmp_path) == some("docs/a.pdf")
        received = here.library.catalogue.get(CONTENT.cid).received
        assert received == len(FILES["docs/a.pdf"])


async def test_a_cancelled_download_at_rest_can_be_fetched_again_as_a_whole(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "docs")
        await until_at_rest(here)
        await here.library.cancel(item, delete=False)
        assert tree(tmp_path) == some("docs/a.pdf", "docs/b.txt", "docs/empty"), "what is whole is the person's"
        await get(here)
        await until_complete(here)
        assert tree(tmp_path) == FILES


async def test_choices_of_a_paused_download_hold_when_it_goes_on(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here)
        with trio.fail_after(60):
            while not here.library.catalogue.get(CONTENT.cid).has_manifest:  # noqa: ASYNC110 - no event for it
                await trio.sleep(0.001)
        item = await here.library.pause(item)
        choosing = Choosing(here.library)
        await choosing.prioritize(item, ["film.mkv"], Priority.SKIP)
        await choosing.set_sequential(item, True)
        await here.library.close()
    async with node(tmp_path, CONTENT) as here:
        item = here.library.catalogue.get(CONTENT.cid)
        assert item.state is TransferState.PAUSED
        await here.library.resume(item)
        task = await until_at_rest(here)
        assert task.machine.picker.is_sequential
        assert "film.mkv" not in tree(tmp_path)


async def test_what_makes_no_sense_is_refused_in_words(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "docs/b.txt")
        await until_at_rest(here)
        prioritize = partial(Choosing(here.library).prioritize, item)
        with pytest.raises(NotFoundError, match="no file of things fits"):
            await prioritize(["*.iso"], Priority.HIGH)
        with pytest.raises(UsageError, match="skip every file"):
            await prioritize([], Priority.SKIP)
        with pytest.raises(UsageError, match="is partly in"):
            await here.library.get(LINK, str(tmp_path), (), is_elsewhere_wrong=True)


async def test_a_word_that_fits_no_file_ends_the_download_before_anything_is_fetched(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        await get(here, "*.iso")
        with trio.fail_after(60):
            while (item := here.library.catalogue.get(CONTENT.cid)).state is not TransferState.ERROR:  # noqa: ASYNC110
                await trio.sleep(0.005)
        assert "fits *.iso" in item.reason
        assert item.received == 0


async def test_a_foreign_folder_of_the_same_name_is_left_alone(tmp_path):
    foreign = tmp_path / "downloads" / "things"
    foreign.mkdir(parents=True)
    (foreign / "mine").write_bytes(b"mine")
    async with node(tmp_path, CONTENT) as here:
        await get(here, "docs")
        with trio.fail_after(60):
            while (item := here.library.catalogue.get(CONTENT.cid)).state is not TransferState.ERROR:  # noqa: ASYNC110
                await trio.sleep(0.005)
        assert "exists and has other content" in item.reason
        assert tree(tmp_path) == {"mine": b"mine"}


async def test_limits_hold_again_after_a_restart(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "docs")
        choosing = Choosing(here.library)
        await choosing.limit_node((20e6, None))
        await choosing.limit_share(item, (None, 5e5))
    async with node(tmp_path, CONTENT) as here:
        await Choosing(here.library).restore()
        limits = here.library.exchange.limits
        assert (limits.node.up.bps, limits.node.down.bps) == (20e6, None)
        assert (limits.of(CONTENT.cid).up.bps, limits.of(CONTENT.cid).down.bps) == (None, 5e5)


async def test_two_choices_at_once_both_hold(tmp_path):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "notes.txt")
        await until_at_rest(here)
        choosing = Choosing(here.library)
        async with trio.open_nursery() as nursery:
            for word in ("film.mkv", "docs/a.pdf", "docs/b.txt"):
                nursery.start_soon(choosing.prioritize, item, [word], Priority.LOW)
        levels = here.library.catalogue.choices.priorities(item.cid)
        assert sorted(levels.values()) == [Priority.SKIP, *[Priority.LOW] * 3]


@pytest.mark.parametrize("moment", range(8))
async def test_a_choice_that_nobody_waits_for_holds_or_was_not_made(autojump_clock, tmp_path, moment):
    async with node(tmp_path, CONTENT) as here:
        item = await get(here, "notes.txt")
        task = await until_at_rest(here)
        choosing = Choosing(here.library)
        await interrupt(lambda: choosing.prioritize(item, ["docs"], Priority.LOW), moment)
        levels = here.library.catalogue.choices.priorities(item.cid)
        assert task._wishes.priorities == levels
