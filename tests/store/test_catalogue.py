"""Shares and downloads are remembered, whatever happens to the process."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

from node.errors import NotFoundError
from node.status import TransferState
from node.store.catalogue import Catalogue
from node.store.database import Database
from node.store.identity import Identity, pack, unpack
from protocols.manifest import FileEntry, Manifest, encode
from tests.store.shares import CHUNK, Share, share_file, share_folder, some_bytes
from tests.timing import attempts

SHARE = share_file(some_bytes(3 * CHUNK + 5), "film.mkv")
OTHER = share_folder({"a": b"1", "b/c": b"22"}, "photos")
IDENTITIES = (Identity(2**40, 2**63 + 1, 5, 123456789, -5),)


def add_share(catalogue: Catalogue, share: Share, path: str = "/data/x"):
    identities = IDENTITIES * len(share.manifest.files)
    return catalogue.add_share(share.cid, share.manifest, share.blocks, path, identities, 10.0)


@pytest.fixture
def restarted(tmp_path, database):
    """A function that gives the catalogue as a new process finds it."""
    return lambda: Catalogue(Database(tmp_path / "state.db"))


def test_a_share_is_all_there_after_a_restart(catalogue, restarted):
    item = add_share(catalogue, SHARE, "/data/film.mkv")
    assert (item.number, item.cid, item.name, item.state) == (1, SHARE.cid, "film.mkv", TransferState.SEEDING)
    assert (item.size, item.chunk_size, item.chunk_count, item.file_count) == (3 * CHUNK + 5, CHUNK, 4, 1)
    assert (item.chunks_have, item.bytes_have) == (4, 3 * CHUNK + 5)
    assert (item.path, item.is_complete, item.is_import, item.is_folder) == ("/data/film.mkv", True, True, False)
    again = restarted()
    assert again.items() == [item]
    assert again.manifest(SHARE.cid) == SHARE.manifest
    assert again.blocks(SHARE.cid) == SHARE.blocks
    assert again.identities(SHARE.cid) == IDENTITIES


def test_the_same_content_shared_again_keeps_its_row_and_follows_the_path(catalogue):
    first = add_share(catalogue, SHARE, "/old/film.mkv")
    add_share(catalogue, OTHER)
    catalogue.set_state(SHARE.cid, TransferState.ERROR, "it vanished")
    again = add_share(catalogue, SHARE, "/new/film.mkv")
    assert (again.number, again.added_at) == (first.number, first.added_at)
    assert (again.path, again.state, again.reason) == ("/new/film.mkv", TransferState.SEEDING, "")
    assert len(catalogue.items()) == 2


def test_a_download_is_a_row_before_anything_is_known_of_it(catalogue, restarted):
    item = catalogue.add_download(
        SHARE.cid, "/downloads", 5.0, name="film?", size=99, output_name="mine.mkv", hints=("/ip4/1.2.3.4/tcp/1/p2p/x",)
    )
    assert (item.name, item.size, item.state) == ("film?", 99, TransferState.DOWNLOADING)
    assert (item.destination, item.output_name, item.hints) == ("/downloads", "mine.mkv", ("/ip4/1.2.3.4/tcp/1/p2p/x",))
    assert (item.has_manifest, item.is_complete, item.path) == (False, False, None)
    assert catalogue.manifest(SHARE.cid) is None
    assert catalogue.held(SHARE.cid).have.length == 0
    item = catalogue.set_manifest(SHARE.cid, SHARE.manifest, SHARE.blocks)
    assert (item.name, item.size, item.chunk_count, item.has_manifest) == ("film.mkv", 3 * CHUNK + 5, 4, True)
    assert restarted().items() == [item]
    assert restarted().manifest(SHARE.cid) == SHARE.manifest


def test_a_download_of_something_known_changes_nothing(catalogue):
    item = add_share(catalogue, SHARE)
    assert catalogue.add_download(SHARE.cid, "/downloads", 5.0) == item


def test_a_download_that_the_person_shares_from_elsewhere_becomes_a_share(catalogue):
    catalogue.add_download(SHARE.cid, "/downloads", 5.0)
    catalogue.set_manifest(SHARE.cid, SHARE.manifest, SHARE.blocks)
    catalogue.record_chunks(SHARE.cid, [0], SHARE.manifest.geometry)
    item = add_share(catalogue, SHARE, "/data/film.mkv")
    assert (item.number, item.is_complete, item.is_import, item.chunks_have) == (1, True, True, 4)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (TransferState.PAUSED, ""),
        (TransferState.COMPLETE, ""),
        (TransferState.ERROR, "the disk is full"),
        (TransferState.DOWNLOADING, ""),
    ],
)
def test_every_state_survives_a_restart(catalogue, restarted, state, reason):
    add_share(catalogue, SHARE)
    catalogue.set_state(SHARE.cid, state, reason)
    item = restarted().get(SHARE.cid)
    assert (item.state, item.reason) == (state, reason)


def test_chunks_are_counted_once_and_forgotten_exactly(catalogue, restarted):
    geometry = SHARE.manifest.geometry
    catalogue.add_download(SHARE.cid, "/downloads", 5.0)
    catalogue.set_manifest(SHARE.cid, SHARE.manifest, SHARE.blocks)
    catalogue.record_chunks(SHARE.cid, [0, 3], geometry)
    catalogue.record_chunks(SHARE.cid, [3, 1], geometry)
    item = restarted().get(SHARE.cid)
    assert (item.chunks_have, item.bytes_have) == (3, 2 * CHUNK + 5)
    catalogue.mark_flushed(SHARE.cid, [0, 2], geometry)
    catalogue.forget_chunks(SHARE.cid, [0, 2], geometry)
    held = restarted().held(SHARE.cid)
    assert (list(held.have), list(held.flushed)) == ([1, 3], [])
    assert catalogue.get(SHARE.cid).bytes_have == CHUNK + 5


def test_a_finished_download_seeds_from_where_it_is(catalogue):
    catalogue.add_download(SHARE.cid, "/downloads", 5.0)
    catalogue.set_manifest(SHARE.cid, SHARE.manifest, SHARE.blocks)
    item = catalogue.complete_download(SHARE.cid, "/downloads/film.mkv", IDENTITIES)
    assert (item.state, item.path, item.is_import) == (TransferState.SEEDING, "/downloads/film.mkv", False)
    assert (item.chunks_have, item.bytes_have) == (4, SHARE.manifest.geometry.total_size)


def test_totals_add_up_over_restarts(catalogue, restarted):
    add_share(catalogue, SHARE)
    catalogue.add_totals({SHARE.cid: (5, 7), OTHER.cid: (1, 1)})
    restarted().add_totals({SHARE.cid: (10, 2**40)})
    item = catalogue.get(SHARE.cid)
    assert (item.received, item.sent) == (15, 2**40 + 7)


def test_a_removed_item_leaves_nothing_behind(catalogue, database):
    add_share(catalogue, SHARE)
    catalogue.add_download(OTHER.cid, "/downloads", 5.0)
    catalogue.set_manifest(OTHER.cid, OTHER.manifest, OTHER.blocks)
    catalogue.remove(SHARE.cid)
    catalogue.remove(OTHER.cid)
    assert catalogue.items() == []
    with database.read() as connection:
        for table in ("blocks", "chunks", "identities"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_number_stays_with_its_item(catalogue):
    shares = [share_file(b"%d" % number, f"{number}") for number in range(3)]
    for share in shares:
        add_share(catalogue, share)
    catalogue.remove(shares[1].cid)
    assert [item.number for item in catalogue.items()] == [1, 3]
    assert add_share(catalogue, shares[1]).number == 4


@pytest.mark.parametrize("what", ["get", "held", "remove", "set_state"])
def test_what_is_not_there_is_not_found(catalogue, what):
    arguments = (TransferState.PAUSED,) if what == "set_state" else ()
    with pytest.raises(NotFoundError, match="is not in the catalogue"):
        getattr(catalogue, what)(SHARE.cid, *arguments)
    assert catalogue.find(SHARE.cid) is None
    assert catalogue.numbered(1) is None


def test_a_path_that_is_not_utf8_comes_back_as_it_was(catalogue):
    path = os.fsdecode(b"/data/\xff\xfe/film.mkv")
    assert add_share(catalogue, SHARE, path).path == path
    assert catalogue.add_download(OTHER.cid, path, 1.0).destination == path


def test_identities_are_packed_without_loss():
    assert unpack(pack(IDENTITIES * 3)) == IDENTITIES * 3


def test_a_manifest_in_pages_is_put_together_again(catalogue, monkeypatch):
    monkeypatch.setattr("protocols.manifest.INLINE_DIGESTS", 4)
    monkeypatch.setattr("protocols.manifest.PAGE_DIGESTS", 8)
    share = share_file(some_bytes(19 * CHUNK))
    add_share(catalogue, share)
    assert len(catalogue.blocks(share.cid)) == 4
    assert catalogue.manifest(share.cid).digests == share.manifest.digests


def test_ten_thousand_items_are_listed_without_their_manifests(catalogue, database):
    digest = hashlib.sha256(b"x").digest()
    with database.write() as connection:
        for number in range(10_000):
            name = f"file {number}"
            encoded = encode(Manifest(name, CHUNK, (FileEntry((name,), 1, digest),), digest))
            connection.execute(
                "INSERT INTO items (cid, cid_text, name, state, path, added_at, size, chunk_size, chunk_count) "
                "VALUES (?, ?, ?, 'Seeding', '/x', 0, 1, 65536, 1)",
                (encoded.cid.to_bytes(), str(encoded.cid), name),
            )
            connection.execute("INSERT INTO blocks VALUES (?, 0, zeroblob(10000))", (number + 1,))
    for attempt in attempts(0.2, time.thread_time):  # of the processor: other processes' load is not ours
        with attempt:
            assert len(catalogue.items()) == 10_000


def test_totals_count_what_seeds_and_what_all_have_moved(catalogue):
    assert catalogue.totals() == (0, 0, 0)
    add_share(catalogue, SHARE)
    add_share(catalogue, OTHER)
    catalogue.set_state(OTHER.cid, TransferState.ERROR, "it vanished")
    catalogue.add_totals({SHARE.cid: (10, 20), OTHER.cid: (1, 2)})
    assert catalogue.totals() == (1, 11, 22)
