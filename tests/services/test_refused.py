"""A download whose known peers answer and have nothing: how often they are asked, and what a person reads meanwhile."""

from __future__ import annotations

import logging

import trio

from tests.services.test_downloading import CONTENT, DATA, world


async def not_found(here, name: str) -> list[float]:
    """A peer that is there, has a record, and says that it has no such manifest; when it was asked."""
    exchange = await here.seed(name)
    asked = []

    async def find(cid):
        asked.append(trio.current_time())
        await trio.lowlevel.checkpoint()

    exchange.find_content = find
    return asked


async def test_who_has_nothing_is_asked_less_and_less_and_named_truly(autojump_clock, caplog):
    async with world() as here:
        asked = [await not_found(here, name) for name in "ab"]
        task = await here.leech()
        here.nursery.start_soon(task.run)
        with caplog.at_level(logging.INFO):
            await trio.sleep(600)
        assert all(len(times) <= 5 + 600 / 60 for times in asked), "five doublings, then once a minute"
        assert all(len(times) >= 600 / 60 for times in asked), "and never given up"
        assert task.stall_reason() == "2 peers known, none has it now: it said: no such manifest is shared here", (
            "they are reachable"
        )
        said = [record for record in caplog.records if "no such manifest" in record.getMessage()]
        assert len(said) == 2, "once for each peer"


async def test_a_new_record_of_such_a_peer_has_it_asked_at_once(autojump_clock):
    async with world() as here:
        asked = await not_found(here, "a")
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(600)
        names = here.network.providers.pop(CONTENT.cid.multihash)
        await trio.sleep(120)
        here.network.providers[CONTENT.cid.multihash] = names
        before = len(asked)
        await trio.sleep(40)
        pauses = [later - sooner for sooner, later in zip(asked[before - 1 :], asked[before:], strict=False)]
        assert min(pauses) < 10, "as with a peer that was never asked"


async def test_a_peer_that_has_it_again_completes_the_download_within_a_minute(autojump_clock):
    async with world() as here:
        await not_found(here, "a")
        task = await here.leech()
        here.nursery.start_soon(task.run)
        await trio.sleep(600)

        async def find(cid):
            await trio.lowlevel.checkpoint()
            return CONTENT

        here.seeders["a"].find_content = find
        await trio.sleep(65)
        assert here.storage.data == DATA
