"""Ropes: however the bytes are cut into buffers, a rope behaves as they do in one."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from protocols.rope import Rope, add_to, parts_of

buffers = st.lists(st.binary(max_size=20), max_size=6)


@given(buffers)
def test_it_is_its_bytes(parts):
    rope, data = Rope(parts), b"".join(parts)
    assert (len(rope), bytes(rope)) == (len(data), data)
    assert rope == data
    assert rope == Rope([data])
    assert rope != data + b"x"
    assert add_to(hashlib.sha256(), rope).digest() == hashlib.sha256(data).digest()


@given(buffers, st.integers(0, 130), st.integers(0, 130))
def test_a_part_of_it_is_that_part_of_its_bytes(parts, start, end):
    part = Rope(parts)[start:end]
    assert part == b"".join(parts)[start:end]
    assert all(map(len, part.parts))


def test_a_part_is_not_copied():
    data = bytes(100)
    assert [view.obj for view in Rope([b"other", data])[7:50].parts] == [data]


def test_one_buffer_is_a_rope_of_one():
    assert list(parts_of(b"data")) == [b"data"]
    assert add_to(hashlib.sha256(), b"data").digest() == hashlib.sha256(b"data").digest()
