"""Chunk numbering: every byte of every file is in exactly one chunk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.geometry import (
    DEFAULT_CHUNK_SIZE,
    MAX_CHUNK_SIZE,
    MAX_CHUNKS,
    ChunkSpan,
    Geometry,
    chunk_size_for,
)

# around every edge of a chunk of 4 bytes
SIZES = st.lists(st.integers(0, 13), max_size=12).map(tuple)


@given(SIZES)
def test_chunks_cover_every_byte_once_and_in_order(sizes):
    geometry = Geometry(4, sizes)
    spans = [geometry.chunk(index) for index in range(geometry.chunk_count)]
    covered = [(span.file_index, span.offset + at) for span in spans for at in range(span.length)]
    assert covered == [(file_index, at) for file_index, size in enumerate(sizes) for at in range(size)]
    assert [span.index for span in spans] == list(range(geometry.chunk_count))
    assert geometry.total_size == sum(sizes)


@given(SIZES)
def test_only_the_last_chunk_of_a_file_is_short(sizes):
    geometry = Geometry(4, sizes)
    for file_index, size in enumerate(sizes):
        lengths = [geometry.chunk_length(index) for index in geometry.file_chunks(file_index)]
        assert sum(lengths) == size
        assert all(length == 4 for length in lengths[:-1])
        assert all(1 <= length <= 4 for length in lengths[-1:])


@given(SIZES)
def test_the_files_chunks_follow_each_other(sizes):
    geometry = Geometry(4, sizes)
    ranges = [geometry.file_chunks(file_index) for file_index in range(len(sizes))]
    assert [index for chunks in ranges for index in chunks] == list(range(geometry.chunk_count))


def test_empty_files_between_others_own_no_chunk():
    geometry = Geometry(4, (0, 5, 0, 0, 4, 0))
    assert geometry.chunk(0) == ChunkSpan(index=0, file_index=1, offset=0, length=4)
    assert geometry.chunk(1) == ChunkSpan(index=1, file_index=1, offset=4, length=1)
    assert geometry.chunk(2) == ChunkSpan(index=2, file_index=4, offset=0, length=4)
    assert [len(geometry.file_chunks(file_index)) for file_index in range(6)] == [0, 2, 0, 0, 1, 0]


@pytest.mark.parametrize("index", [-1, 3])
def test_no_chunk_outside(index):
    geometry = Geometry(4, (9,))
    with pytest.raises(IndexError):
        geometry.chunk(index)
    with pytest.raises(IndexError):
        geometry.chunk_length(index)


@pytest.mark.parametrize("file_index", [-1, 2])
def test_no_file_outside(file_index):
    with pytest.raises(IndexError):
        Geometry(4, (9, 9)).file_chunks(file_index)


@pytest.mark.parametrize(("chunk_size", "sizes"), [(0, (1,)), (4, (1, -1))])
def test_impossible_sizes(chunk_size, sizes):
    with pytest.raises(ValueError, match="at least"):
        Geometry(chunk_size, sizes)


def test_a_terabyte_is_found_without_walking_it():
    geometry = Geometry(1 << 20, ((1 << 24) - 1,) * 65_536)
    assert geometry.chunk_count == 1 << 20
    assert geometry.chunk((1 << 20) - 1) == ChunkSpan((1 << 20) - 1, 65_535, 15 << 20, (1 << 20) - 1)


def test_equal_when_the_numbers_are():
    assert Geometry(4, (1, 2)) == Geometry(4, (1, 2))
    assert Geometry(4, (1, 2)) != Geometry(4, (2, 1))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], DEFAULT_CHUNK_SIZE),
        ([1 << 40], DEFAULT_CHUNK_SIZE),
        ([MAX_CHUNKS << 20], DEFAULT_CHUNK_SIZE),
        ([(MAX_CHUNKS << 20) + 1], 2 << 20),
        ([MAX_CHUNKS << 20, 1], 2 << 20),
        ([MAX_CHUNKS << 24], MAX_CHUNK_SIZE),
        ([MAX_CHUNKS << 30], MAX_CHUNK_SIZE),
    ],
)
def test_the_chunk_size_grows_only_when_it_must(sizes, expected):
    assert chunk_size_for(sizes) == expected
