"""A manifest on its way: peers that answer in parts, stop half way, lie, or don't have it."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from node.swarm.manifest_fetch import (
    ANSWER_TIMEOUT_S,
    FIRST_BACKOFF_S,
    LAST_BACKOFF_S,
    InvalidManifestError,
    ManifestFetch,
    check_block,
)
from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.exchange import MAX_META, GetMeta, Meta, RejectReason
from protocols.manifest import INLINE_DIGESTS, MAX_MANIFEST_SIZE, FileEntry, Manifest, encode


def folder(count: int, chunk_size: int = 65_536):
    """A share of one file of `count` chunks, whose digests are made by rule."""
    digests = b"".join(hashlib.sha256(index.to_bytes(4, "big")).digest() for index in range(count))
    whole = digests[:32] if count == 1 else hashlib.sha256(b"whole").digest()
    return encode(Manifest("big", chunk_size, (FileEntry(("big",), count * chunk_size, whole),), digests))


SMALL = folder(3)
PAGED = folder(INLINE_DIGESTS + 16_384)


class Server:
    """A peer with all blocks, which answers as an honest one does."""

    def __init__(self, encoded) -> None:
        self.blocks = (encoded.block, *encoded.pages)

    def answer(self, asked: GetMeta) -> Meta:
        block = self.blocks[asked.part]
        return Meta(asked.part, len(block), asked.offset, block[asked.offset : asked.offset + MAX_META])


def pump(fetch: ManifestFetch, servers: dict[str, Server], now: float = 0.0) -> list[str]:
    """Ask and answer until nothing is left to ask; who was asked, in order."""
    asked_peers = []
    while command := fetch.command(now):
        peer, asked = command
        asked_peers.append(peer)
        fetch.received(peer, servers[peer].answer(asked))
        if fetch.unchecked:
            fetch.checked(check_block(fetch.unchecked))
    return asked_peers


def test_a_small_manifest_takes_one_question():
    fetch = ManifestFetch(SMALL.cid)
    assert fetch.command(0.0) is None, "nobody is there to ask"
    fetch.peer_joined("a")
    fetch.peer_joined("a")
    assert pump(fetch, {"a": Server(SMALL)}) == ["a"]
    assert fetch.is_complete
    assert fetch.blocks == (SMALL.block,)
    assert fetch.next_wakeup() is None


def test_pages_come_in_parts_and_are_attached():
    fetch = ManifestFetch(PAGED.cid)
    fetch.peer_joined("a")
    pump(fetch, {"a": Server(PAGED)})
    assert fetch.is_complete
    assert len(fetch.manifest.digests) == 32 * (INLINE_DIGESTS + 16_384)
    assert fetch.blocks == (PAGED.block, *PAGED.pages)


def test_one_question_at_a_time():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("a")
    assert fetch.command(0.0) is not None
    assert fetch.command(0.0) is None
    assert fetch.next_wakeup() == ANSWER_TIMEOUT_S


def test_a_silent_peer_is_passed_over_in_time():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("silent")
    fetch.peer_joined("good")
    assert fetch.command(0.0)[0] == "silent"
    assert fetch.command(ANSWER_TIMEOUT_S - 0.1) is None
    assert pump(fetch, {"good": Server(SMALL)}, ANSWER_TIMEOUT_S) == ["good"]
    assert fetch.is_complete


def test_an_answer_after_its_time_out_is_not_taken():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("slow")
    fetch.peer_joined("good")
    _, asked = fetch.command(0.0)
    fetch.command(ANSWER_TIMEOUT_S)
    fetch.received("slow", Server(SMALL).answer(asked))
    assert fetch.unchecked is None


def test_who_answers_too_late_is_asked_again_but_not_before():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("slow")
    _, asked = fetch.command(0.0)
    fetch.peer_joined("slow")
    assert fetch.command(ANSWER_TIMEOUT_S) is None, "a second question would wait behind the first"
    fetch.received("slow", Server(SMALL).answer(asked))
    assert pump(fetch, {"slow": Server(SMALL)}, ANSWER_TIMEOUT_S + 1) == ["slow"]
    assert fetch.is_complete


@pytest.mark.parametrize(("reason", "is_asked_again"), [(RejectReason.BUSY, True), (RejectReason.UNAVAILABLE, False)])
def test_who_refuses_too_late_is_asked_again_if_it_may_have_it(reason, is_asked_again):
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("slow")
    fetch.peer_joined("good")
    fetch.command(0.0)
    assert fetch.command(ANSWER_TIMEOUT_S)[0] == "good"
    fetch.rejected("slow", reason, ANSWER_TIMEOUT_S)
    fetch.peer_left("good")
    assert bool(fetch.command(ANSWER_TIMEOUT_S + LAST_BACKOFF_S)) is is_asked_again


def test_a_peer_without_it_goes_to_the_end_of_the_line():
    fetch = ManifestFetch(SMALL.cid)
    for peer in ("poor", "good"):
        fetch.peer_joined(peer)
    fetch.command(0.0)
    fetch.rejected("somebody else", RejectReason.BUSY, 0.0)
    fetch.rejected("poor", RejectReason.BUSY, 0.0)
    assert pump(fetch, {"good": Server(SMALL)}) == ["good"]


def test_who_waits_for_the_manifest_too_is_asked_later_and_later():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("early")
    now, pauses = 0.0, []
    for _ in range(9):
        assert fetch.command(now) == ("early", GetMeta(0, 0))
        fetch.rejected("early", RejectReason.BUSY, now)
        assert fetch.command(now) is None, "asking at once would go on as fast as the line"
        pauses.append(fetch.next_wakeup() - now)
        now = fetch.next_wakeup()
    assert pauses[:3] == [FIRST_BACKOFF_S, 2 * FIRST_BACKOFF_S, 4 * FIRST_BACKOFF_S]
    assert pauses[-1] == LAST_BACKOFF_S
    assert pump(fetch, {"early": Server(SMALL)}, now) == ["early"]
    assert fetch.next_wakeup() is None


def test_who_says_it_does_not_have_it_is_not_asked_again():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("poor")
    fetch.command(0.0)
    fetch.rejected("poor", RejectReason.UNAVAILABLE, 0.0)
    assert fetch.command(1e6) is None
    assert fetch.next_wakeup() is None


def test_a_block_begun_by_a_peer_that_left_is_begun_again_with_another():
    fetch = ManifestFetch(PAGED.cid)
    fetch.peer_joined("a")
    server = Server(PAGED)
    _, asked = fetch.command(0.0)
    fetch.received("a", server.answer(asked))
    fetch.checked(check_block(fetch.unchecked))
    _, asked = fetch.command(0.0)
    fetch.received("a", server.answer(asked))  # half of the first page
    fetch.peer_joined("b")
    fetch.peer_left("a")
    fetch.peer_left("a")
    peer, asked = fetch.command(0.0)
    assert (peer, asked) == ("b", GetMeta(part=1, offset=0))


def test_a_peer_that_joins_first_in_line_does_not_continue_anothers_block():
    fetch = ManifestFetch(PAGED.cid)
    fetch.peer_joined("a")
    server = Server(PAGED)
    _, asked = fetch.command(0.0)
    fetch.received("a", server.answer(asked))
    fetch.checked(check_block(fetch.unchecked))
    _, asked = fetch.command(0.0)
    fetch.received("a", server.answer(asked))
    fetch.peer_joined("b")
    assert fetch.command(0.0)[0] == "a", "one block, one peer"


def test_a_wrong_manifest_is_the_peers_fault_and_the_next_peer_is_asked():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("liar")
    fetch.peer_joined("good")
    peer, asked = fetch.command(0.0)
    fetch.received(peer, Server(folder(4)).answer(asked))
    assert fetch.command(0.0) is None, "first the block in hand is checked"
    with pytest.raises(RemoteProtocolError, match="hash"):
        check_block(fetch.unchecked)
    fetch.refused()
    assert pump(fetch, {"good": Server(SMALL)}) == ["good"]
    assert fetch.is_complete


def test_a_wrong_page_is_the_peers_fault():
    fetch = ManifestFetch(PAGED.cid)
    fetch.peer_joined("liar")
    server = Server(PAGED)
    server.blocks = (server.blocks[0], bytes(len(PAGED.pages[0])), server.blocks[2])
    with pytest.raises(RemoteProtocolError, match="page"):
        pump(fetch, {"liar": server})


@pytest.mark.parametrize("total", [MAX_MANIFEST_SIZE + 1, 1 << 40])
def test_a_claimed_size_beyond_the_limit_is_refused_before_it_arrives(total):
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("liar")
    fetch.command(0.0)
    with pytest.raises(RemoteProtocolError, match="can't have"):
        fetch.received("liar", Meta(0, total, 0, bytes(MAX_META)))


def test_a_size_that_changes_between_parts_is_refused():
    fetch = ManifestFetch(SMALL.cid)
    fetch.peer_joined("liar")
    fetch.command(0.0)
    fetch.received("liar", Meta(0, 3 * MAX_META, 0, bytes(MAX_META)))
    fetch.command(0.0)
    with pytest.raises(RemoteProtocolError, match="can't have"):
        fetch.received("liar", Meta(0, 4 * MAX_META, MAX_META, bytes(MAX_META)))


def test_bytes_that_hash_right_and_are_no_manifest_are_nobodys_fault():
    block = b"\xa0"
    fetch = ManifestFetch(Cid.of(DAG_CBOR, block))
    fetch.peer_joined("a")
    fetch.command(0.0)
    fetch.received("a", Meta(0, 1, 0, block))
    with pytest.raises(InvalidManifestError):
        check_block(fetch.unchecked)


def test_pages_that_contradict_a_small_file_are_nobodys_fault():
    count = INLINE_DIGESTS + 1
    digests = bytes(32 * count)
    files = tuple(FileEntry((f"{n:05}",), 65_536, bytes(32)) for n in range(count))
    good = encode(Manifest("many", 65_536, files, digests, is_folder=True))
    wrong = replace(files[7], sha256=b"\1" * 32)
    lying = good.block.replace(_entry(files[7]), _entry(wrong))
    fetch = ManifestFetch(Cid.of(DAG_CBOR, lying))
    fetch.peer_joined("a")
    server = Server(good)
    server.blocks = (lying, *good.pages)
    with pytest.raises(InvalidManifestError):
        pump(fetch, {"a": server})


def _entry(file: FileEntry) -> bytes:
    """The bytes of one file in the manifest block, cut out so that one field of it can be exchanged."""
    alone = encode(Manifest("x", 65_536, (file,), file.sha256, is_folder=True)).block
    start = alone.index(b"\xa3")
    return alone[start : alone.index(file.sha256, start) + 32]
