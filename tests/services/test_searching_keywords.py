"""A share's rarest words are provided beside its own key, and follow it when it goes."""

from __future__ import annotations

import trio

from node.services.keywords import MAX_PER_SHARE
from node.services.searching_keywords import KeywordProviding, keyword_keys
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.search_index import SearchIndex
from protocols.search.tokens import keyword_key
from tests.store.shares import share_file


class Provided:
    """What is provided, as `providing` would."""

    def __init__(self) -> None:
        self.keywords: dict[bytes, tuple[bytes, ...]] = {}
        self.gone: set[bytes] = set()
        self.changed = trio.Event()

    def add(self, key, keywords=()) -> None:
        self.keywords[key] = keywords
        self.changed.set()

    def status(self, key):
        return None if key in self.gone else object()


def test_the_rarest_words_of_a_name_the_rarest_first():
    known = {"linux": 9, "holiday": 1, "2024": 4}
    keys = keyword_keys("The Linux Holiday 2024.iso", lambda word: known.get(word, 0))
    assert keys == tuple(map(keyword_key, ("holiday", "2024", "linux")))
    assert len(keyword_keys(" ".join(f"word{n}" for n in range(20)), lambda word: 0)) == MAX_PER_SHARE


async def test_keywords_follow_a_share_that_is_still_provided(tmp_path, nursery):
    database = Database(tmp_path / "state.db")
    catalogue = Catalogue(database)
    shares = [share_file(name.encode(), name) for name in ("red fish.txt", "blue fish.txt", "01.mp3")]
    for share in shares:
        catalogue.add_share(share.cid, share.manifest, share.blocks, "/somewhere", (), 1.0)
    provided = Provided()
    words = KeywordProviding(provided, catalogue, SearchIndex(database))
    nursery.start_soon(words.run)
    kept, gone, without_words = (share.cid.multihash for share in shares)
    provided.gone.add(gone)
    words.added(gone)
    words.added(without_words)
    words.added(b"\x12\x20" + bytes(32))  # no share of this node
    words.added(kept)
    with trio.fail_after(60):
        await provided.changed.wait()
    assert provided.keywords == {kept: tuple(map(keyword_key, ("red", "fish")))}  # nothing is added without words
    nursery.cancel_scope.cancel()
    database.close()


async def test_a_name_without_keywords_is_looked_at_once(tmp_path, nursery):
    database = Database(tmp_path / "state.db")
    catalogue = Catalogue(database)
    share, named = share_file(b"1", "f.bin"), share_file(b"2", "red fish.txt")
    for each in (share, named):
        catalogue.add_share(each.cid, each.manifest, each.blocks, "/somewhere", (), 1.0)
    provided = Provided()
    words = KeywordProviding(provided, catalogue, SearchIndex(database))
    nursery.start_soon(words.run)
    words.added(share.cid.multihash)
    words.added(named.cid.multihash)
    with trio.fail_after(60):
        await provided.changed.wait()
    assert set(provided.keywords) == {named.cid.multihash}, "or `providing` would tell of it again, for ever"
    nursery.cancel_scope.cancel()
    database.close()
