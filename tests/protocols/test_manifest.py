"""Manifests: one encoding for each content, and nothing believed that a peer only claims."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.cid import DAG_CBOR, RAW, Cid
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.geometry import MAX_CHUNKS
from protocols.manifest import (
    INLINE_DIGESTS,
    MAX_FILES,
    MAX_MANIFEST_SIZE,
    PAGE_DIGESTS,
    FileEntry,
    Manifest,
    attach_pages,
    check_page,
    decode,
    encode,
)

KIB, MIB = 1 << 10, 1 << 20
NOTHING = sha256().digest()
COMPONENTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=20
).filter(lambda text: text not in (".", ".."))
CHUNK = 64 * KIB
SIZES = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])


def digest_of(number):
    return sha256(str(number).encode()).digest()


def manifest_of(files, name="share", *, dirs=(), chunk_size=CHUNK, is_folder=True):
    """A manifest of files {path: size} with made-up digests that fit together."""
    entries, digests = [], []
    for path, size in sorted(files.items()):
        chunks = [digest_of(len(digests) + at) for at in range(-(-size // chunk_size))]
        digests += chunks
        whole = NOTHING if not chunks else chunks[0] if len(chunks) == 1 else digest_of(f"all of {path}")
        entries.append(FileEntry(path, size, whole))
    return Manifest(
        name=name,
        chunk_size=chunk_size,
        files=tuple(entries),
        digests=b"".join(digests),
        is_folder=is_folder,
        empty_dirs=tuple(sorted(dirs)),
    )


@st.composite
def folders(draw):
    tree = draw(
        st.recursive(SIZES, lambda below: st.dictionaries(COMPONENTS, below, max_size=4), max_leaves=8).filter(
            lambda tree: isinstance(tree, dict)
        )
    )
    files, dirs = {}, []

    def walk(tree, path):
        for name, child in tree.items():
            if child == {}:
                dirs.append((*path, name))
            elif isinstance(child, dict):
                walk(child, (*path, name))
            else:
                files[*path, name] = child

    walk(tree, ())
    return manifest_of(files, draw(COMPONENTS), dirs=dirs)


@st.composite
def single_files(draw):
    name = draw(COMPONENTS)
    return manifest_of({(name,): draw(SIZES)}, name, is_folder=False)


MANIFESTS = folders() | single_files()


@given(MANIFESTS)
def test_what_is_encoded_is_decoded(manifest):
    encoded = encode(manifest)
    assert decode(encoded.block) == manifest
    assert encode(decode(encoded.block)) == encoded
    assert encoded.cid == Cid.of(DAG_CBOR, encoded.block)


@given(MANIFESTS.map(lambda manifest: encode(manifest).block), st.data())
def test_changed_bytes_are_refused_or_are_the_one_encoding_of_another_share(block, data):
    at = data.draw(st.integers(0, len(block) - 1))
    changed = block[:at] + data.draw(st.binary(max_size=3)) + block[at + data.draw(st.integers(0, 3)) :]
    try:
        manifest = decode(changed)
    except RemoteProtocolError:
        return
    assert encode(manifest).block == changed


def test_nothing_shorter_is_a_manifest():
    block = encode(manifest_of({("a",): 1, ("b", "c"): 3 * CHUNK}, dirs=[("d",)])).block
    for end in range(len(block)):
        with pytest.raises(RemoteProtocolError):
            decode(block[:end])


@given(MANIFESTS)
def test_digests_are_found_by_chunk(manifest):
    digests = [manifest.digest(index) for index in range(manifest.geometry.chunk_count)]
    assert b"".join(digests) == manifest.digests
    for index in (-1, manifest.geometry.chunk_count):
        with pytest.raises(IndexError):
            manifest.digest(index)


GOOD = manifest_of({("a",): 1, ("b", "c"): 3 * CHUNK}, dirs=[("d",)])
FILE = GOOD.files[0]

IMPOSSIBLE = {
    "no name": replace(GOOD, name=""),
    "a name that is a path": replace(GOOD, name="a/b"),
    "a name from a file system that isn't UTF-8": replace(GOOD, name="caf\udce9"),
    "a name too long": replace(GOOD, name="é" * 128),
    "chunk size": replace(GOOD, chunk_size=CHUNK + 1),
    "a path out of the share": replace(GOOD, files=(replace(FILE, path=("..", "a")), GOOD.files[1])),
    "no path": replace(GOOD, files=(replace(FILE, path=()), GOOD.files[1])),
    "a deep path": replace(GOOD, empty_dirs=(("d",) * 33,)),
    "files out of order": replace(GOOD, files=GOOD.files[::-1]),
    "a directory that isn't empty": replace(GOOD, empty_dirs=(("b",),)),
    "not a folder": replace(GOOD, is_folder=False),
    "a negative size": replace(GOOD, files=(replace(FILE, size=-1), GOOD.files[1])),
    "half a SHA-256": replace(GOOD, files=(replace(FILE, sha256=bytes(16)), GOOD.files[1])),
    "an empty file of something": replace(GOOD, files=(replace(FILE, size=0), GOOD.files[1])),
    "a small file of something else": replace(GOOD, files=(replace(FILE, sha256=NOTHING), GOOD.files[1])),
    "a digest too few": replace(GOOD, digests=GOOD.digests[:-32]),
    "half a digest too many": replace(GOOD, digests=GOOD.digests + bytes(16)),
    "no digests": replace(GOOD, digests=b""),
    "too many chunks": Manifest("a", CHUNK, (FileEntry(("a",), MAX_CHUNKS * CHUNK + 1, NOTHING),)),
}


@pytest.mark.parametrize("manifest", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_no_manifest_can_say_is_our_fault(manifest):
    assert encode(GOOD)
    with pytest.raises(LocalProtocolError) as caught:
        encode(manifest)
    assert str(caught.value).endswith(".")


def many_chunks(count):
    return manifest_of({("big",): (count - 1) * CHUNK, ("small",): 5})


@pytest.mark.parametrize("count", [INLINE_DIGESTS - 1, INLINE_DIGESTS, INLINE_DIGESTS + 1, 2 * PAGE_DIGESTS + 1])
def test_digests_move_to_pages_at_the_limit(count):
    manifest = many_chunks(count)
    encoded = encode(manifest)
    decoded = decode(encoded.block)
    paged = count > INLINE_DIGESTS
    assert len(encoded.pages) == len(decoded.pages) == (-(-count // PAGE_DIGESTS) if paged else 0)
    assert decoded.has_digests == (not paged)
    whole = attach_pages(decoded, encoded.pages)
    assert whole.has_digests
    assert whole.digests == manifest.digests
    assert encode(whole) == encoded


def test_no_digest_is_known_before_the_pages_are_here():
    decoded = decode(encode(many_chunks(INLINE_DIGESTS + 1)).block)
    with pytest.raises(IndexError):
        decoded.digest(0)
    with pytest.raises(LocalProtocolError):
        encode(decoded)


def test_a_page_is_taken_only_if_it_is_the_one_named():
    encoded = encode(many_chunks(PAGE_DIGESTS + 3))
    manifest = decode(encoded.block)
    first, last = encoded.pages
    assert (len(first), len(last)) == (512 * KIB, 3 * 32)
    check_page(manifest, 0, first)
    check_page(manifest, 1, last)
    for number, page, part in [
        (0, first[:-1], "has 524287 bytes, not 524288"),
        (0, last, "has 96 bytes, not 524288"),
        (1, last + bytes(32), "has 128 bytes, not 96"),
        (0, bytes(len(first)), "not the one"),
        (1, b"\xff" + last[1:], "not the one"),
    ]:
        with pytest.raises(RemoteProtocolError, match=part):
            check_page(manifest, number, page)
    with pytest.raises(RemoteProtocolError, match="page 1"):
        attach_pages(manifest, [first, bytes(96)])
    with pytest.raises(LocalProtocolError):
        attach_pages(manifest, [first])


def test_a_small_file_must_fit_its_digest_also_when_that_comes_later():
    manifest = many_chunks(INLINE_DIGESTS + 1)
    lie = replace(decode(encode(manifest).block), files=(manifest.files[0], replace(manifest.files[1], sha256=NOTHING)))
    with pytest.raises(RemoteProtocolError, match="not its chunk's"):
        attach_pages(lie, encode(manifest).pages)


def test_the_largest_share():
    size = MAX_CHUNKS * 16 * MIB
    digests = bytes(32 * MAX_CHUNKS)
    manifest = Manifest("big", 16 * MIB, (FileEntry(("big",), size, NOTHING),), digests)
    encoded = encode(manifest)
    assert len(encoded.pages) == 128
    assert len(encoded.block) < 10 * KIB
    assert decode(encoded.block).geometry.total_size == size


def test_as_many_files_as_a_share_may_have():
    paths = {(f"directory {number >> 8:03}", f"file {number:05}.dat"): 1 for number in range(MAX_FILES)}
    manifest = manifest_of(paths)
    encoded = encode(manifest)
    assert len(encoded.block) < MAX_MANIFEST_SIZE
    assert attach_pages(decode(encoded.block), encoded.pages).files == manifest.files
    with pytest.raises(LocalProtocolError, match=f"{MAX_FILES + 1} files and empty directories"):
        encode(replace(manifest, empty_dirs=(("one more",),)))


def test_a_manifest_too_large_is_not_made():
    names = [(f"{number:05}" + "x" * 200,) for number in range(41_000)]
    with pytest.raises(LocalProtocolError, match="bytes, more than 8388608"):
        encode(Manifest("a", CHUNK, (), is_folder=True, empty_dirs=tuple(names)))


def test_a_block_too_large_is_not_looked_at():
    with pytest.raises(RemoteProtocolError, match="8388609 bytes"):
        decode(bytes(MAX_MANIFEST_SIZE + 1))


@pytest.mark.parametrize(
    "block",
    [b"\x81" * MAX_MANIFEST_SIZE, b"\x9a\x00\x20\x00\x00" * (MAX_MANIFEST_SIZE // 5), b"\xa1\x61v\x9b" + b"\xff" * 8],
    ids=["nested", "claims within claims", "a claim of 2**64 - 1"],
)
def test_a_bomb_costs_nothing(block):
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError):
            decode(block)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_names_that_look_the_same_stay_different():
    composed, decomposed = "\u00e9", "e\u0301"
    manifest = manifest_of({(composed,): 1, (decomposed,): 1})
    assert [file.path[0] for file in decode(encode(manifest).block).files] == [decomposed, composed]


def test_a_folder_and_a_file_of_one_name_are_two_shares():
    file = manifest_of({("a",): 1}, "a", is_folder=False)
    assert encode(file).cid != encode(replace(file, is_folder=True)).cid


def test_pages_are_named_by_raw_cids():
    encoded = encode(many_chunks(INLINE_DIGESTS + 1))
    assert decode(encoded.block).pages == tuple(Cid.of(RAW, page) for page in encoded.pages)
