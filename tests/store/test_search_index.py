"""The index finds exactly the names that match, this node's own first, and keeps in step with the items."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.schema import MIGRATIONS
from node.store.search_index import MAX_TOKENS, IndexHit, SearchIndex
from protocols.search.tokens import matches, tokens_of_name, tokens_of_query
from tests.store.shares import Share, share_file, some_bytes


@pytest.fixture
def index(database: Database) -> SearchIndex:
    return SearchIndex(database)


def seed(catalogue: Catalogue, name: str) -> Share:
    share = share_file(name.encode(), name)
    catalogue.add_share(share.cid, share.manifest, share.blocks, "/somewhere", (), 1.0)
    return share


def names(index: SearchIndex, query: str) -> set[str]:
    return {hit.name for hit in index.search(tokens_of_query(query), 100)}


def test_a_share_is_found_by_its_words_in_any_order(catalogue, index):
    share = seed(catalogue, "Ubuntu 24.04 Desktop (amd64).iso")
    seed(catalogue, "holiday.jpg")
    expected = IndexHit(str(share.cid), share.manifest.name, len(share.contents[0]), 1, True, ())
    assert index.search(tokens_of_query("desktop ubuntu"), 10) == [expected]
    assert names(index, "ext:iso") == {share.manifest.name}
    assert names(index, "ubuntu jpg") == set()
    assert names(index, "") == set()


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("東京タワー.png", "京"),
        ("東京タワー.png", "東京タワー"),
        ("Café Müller.mp3", "cafe muller"),
        ("STRASSE.txt", "straße"),
    ],
)
def test_scripts_without_blanks_and_letters_with_accents(catalogue, index, name, query):
    seed(catalogue, name)
    assert names(index, query) == {name}


def test_what_is_stopped_or_removed_is_found_no_more(catalogue, index):
    first, second = seed(catalogue, "one file"), seed(catalogue, "another file")
    catalogue.set_state(first.cid, TransferState.COMPLETE)
    assert names(index, "file") == {"another file"}
    catalogue.set_state(first.cid, TransferState.SEEDING)
    catalogue.remove(second.cid)
    assert names(index, "file") == {"one file"}
    catalogue.set_state(first.cid, TransferState.ERROR, "the file has changed")
    assert names(index, "file") == set()
    assert index.document_frequency("file") == 0


def test_a_download_is_found_once_it_seeds(catalogue, index):
    share = share_file(some_bytes(10), "wanted")
    catalogue.add_download(share.cid, "/downloads", 1.0, name="wanted")
    catalogue.set_manifest(share.cid, share.manifest, share.blocks)
    assert names(index, "wanted") == set()
    catalogue.complete_download(share.cid, "/downloads/wanted", ())
    assert names(index, "wanted") == {"wanted"}


def test_how_many_names_have_a_token(catalogue, index):
    for name in ("red fish.txt", "blue fish.txt", "fish and chips.md"):
        seed(catalogue, name)
    assert [index.document_frequency(token) for token in ("fish", "red", "ext:txt", "nothing")] == [3, 1, 2, 0]


def test_the_limit_and_queries_without_end(catalogue, index):
    for number in range(5):
        seed(catalogue, f"file {number}")
    assert len(index.search(("file",), 3)) == 3
    assert index.search(("file",) * (MAX_TOKENS + 1), 3) == []


def test_shares_of_an_older_database_are_indexed(tmp_path):
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as old:
        MIGRATIONS[0](old)
        old.execute("PRAGMA user_version = 1")
        for state in ("Seeding", "Complete"):
            cid = share_file(b"", state).cid
            values = (cid.to_bytes(), str(cid), f"{state} file", state)
            old.execute("INSERT INTO items (cid, cid_text, name, state, added_at) VALUES (?, ?, ?, ?, 0)", values)
    old.close()
    database = Database(path)
    assert names(SearchIndex(database), "file") == {"Seeding file"}
    database.close()


WORDS = st.lists(
    st.sampled_from(["Ubuntu", "ÉTÉ", "東京", "24", "of", "été.pdf", "京都", "ﬁne", "a-b", "'\"*:"]), max_size=4
)


@settings(max_examples=25)
@given(st.lists(st.one_of(WORDS.map(" ".join), st.text(max_size=12)), max_size=4), WORDS.map(" ".join))
def test_the_index_matches_as_the_protocol_does(tmp_path_factory, candidates, query):
    candidates = [name.replace("/", "").replace("\0", "") for name in candidates]
    candidates = [name for name in candidates if name not in ("", ".", "..")]
    wanted = tokens_of_query(query)
    database = Database(tmp_path_factory.mktemp("index") / "state.db")
    catalogue = Catalogue(database)
    for name in candidates:
        seed(catalogue, name)
    found = names(SearchIndex(database), query)
    database.close()
    assert found == {name for name in candidates if wanted and matches(tokens_of_name(name), wanted)}
