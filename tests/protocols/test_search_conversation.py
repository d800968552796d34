"""One query and its answer, however the bytes were cut; and what an asker doesn't put up with."""

from __future__ import annotations

import pytest

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.framing import encode_frame
from protocols.search import MAX_HITS, Answering, Asking, Hit, Outcome, Query, answer
from protocols.search.limits import MAX_ANSWER, MAX_STRAYS


def hit(number: int, name: str = "linux.iso") -> Hit:
    return Hit(Cid.of(DAG_CBOR, b"%d" % number), name, number, 1, True)


def feed(asking: Asking, data: bytes, step: int) -> list[Hit]:
    return [found for at in range(0, len(data), step) for found in asking.receive_data(data[at : at + step])]


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_hits_arrive_in_order_however_the_bytes_are_cut(step):
    hits = [hit(number) for number in range(MAX_HITS)]
    asking = Asking(Query("linux"))
    assert feed(asking, b"".join(answer(hits, Outcome.MORE)), step) == hits
    assert asking.outcome is Outcome.MORE
    asking.receive_eof()


def test_hits_are_handed_out_as_they_come():
    asking = Asking(Query("linux"))
    first, *_ = answer([hit(number) for number in range(30)], Outcome.COMPLETE)
    assert asking.receive_data(first)
    assert asking.outcome is None


def test_a_question_is_read_byte_by_byte():
    query = Query("Linux kernel", 7)
    answering = Answering()
    *before, last = Asking(query).question()
    assert all(answering.receive_data(bytes((byte,))) is None for byte in before)
    assert answering.receive_data(bytes((last,))) == query


def test_strays_are_dropped_and_a_few_forgiven():
    asking = Asking(Query("linux"))
    strays = [hit(number, "windows.iso") for number in range(MAX_STRAYS)]
    assert asking.receive_data(b"".join(answer([*strays, hit(9)], Outcome.COMPLETE))) == [hit(9)]
    with pytest.raises(RemoteProtocolError, match="nothing to do with"):
        Asking(Query("linux")).receive_data(b"".join(answer([*strays, hit(9, "bsd")], Outcome.COMPLETE)))


@pytest.mark.parametrize(
    ("frames", "fault"),
    [
        ([*answer([hit(1)], Outcome.COMPLETE), *answer([], Outcome.COMPLETE)], "after its end"),
        ([*answer([hit(1), hit(1)], Outcome.COMPLETE)], "twice"),
        ([*answer([hit(1), hit(2), hit(3)], Outcome.COMPLETE)], "more hits than"),
        ([encode_frame(b"\xa0")], "wrong type"),
        ([b"\xff\xff\xff\x7f"], "more than"),
    ],
)
def test_what_ends_an_answer(frames, fault):
    with pytest.raises(RemoteProtocolError, match=fault):
        Asking(Query("linux", 2)).receive_data(b"".join(frames))


def test_an_answer_has_an_end_and_a_greatest_size():
    asking = Asking(Query("linux"))
    with pytest.raises(RemoteProtocolError, match="breaks off"):
        asking.receive_eof()
    with pytest.raises(RemoteProtocolError, match=str(MAX_ANSWER)):
        asking.receive_data(bytes(MAX_ANSWER + 1))
