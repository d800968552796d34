"""IPFS roots: what kubo publishes for the profile, and what a second, slower reading of the page says.

`interop/vectors/ipfs_roots.json` is made by this file when it is run as a script; the hand-written tree below `build()`
uses nothing of the code under test.
"""

from __future__ import annotations

import json
from base64 import b32encode
from dataclasses import replace
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import given
from hypothesis import strategies as st

from protocols.manifest import FileEntry, Manifest, decode, encode
from protocols.unixfs import NotDerivableError, ipfs_root

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "ipfs_roots.json"
MIB = 1 << 20


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def bytes_field(key, data):
    return bytes([key]) + varint(len(data)) + data


def block_of(children, data):
    """A dag-pb block: (name, (CID, file size, DAG size)) for each link, then the UnixFS message."""
    links = b""
    for name, (cid, _, dag_size) in children:
        link = b"\x0a\x24" + cid + bytes_field(0x12, name) + b"\x18" + varint(dag_size)
        links += bytes_field(0x12, link)
    return links + bytes_field(0x0A, data)


def node_of(children, data):
    block = block_of(children, data)
    file_size = sum(child[1] for _, child in children)
    dag_size = len(block) + sum(child[2] for _, child in children)
    return b"\x01\x70\x12\x20" + sha256(block).digest(), file_size, dag_size


def file_node(digests, size):
    """Top down: cut the leaves into the fewest subtrees that are all as deep as the deepest must be."""

    def subtree(leaves, depth):
        if depth == 0:
            return leaves[0]
        below = 1024 ** (depth - 1)
        children = [subtree(leaves[at : at + below], depth - 1) for at in range(0, len(leaves), below)]
        sizes = b"".join(b"\x20" + varint(child[1]) for child in children)
        total = sum(child[1] for child in children)
        return node_of([(b"", child) for child in children], b"\x08\x02\x18" + varint(total) + sizes)

    if size == 0:
        return b"\x01\x55\x12\x20" + sha256().digest(), 0, 0
    starts = range(0, size, MIB)
    leaves = [
        (b"\x01\x55\x12\x20" + digests[32 * n : 32 * n + 32], *[min(MIB, size - start)] * 2)
        for n, start in enumerate(starts)
    ]
    depth = 0
    while 1024**depth < len(leaves):
        depth += 1
    return subtree(leaves, depth)


def folder_node(tree):
    children = [(name.encode(), folder_node(node) if isinstance(node, dict) else node) for name, node in tree.items()]
    return node_of(sorted(children, key=lambda child: child[0]), b"\x08\x01")


def root_of(share):
    """The root's CID in text, by hand."""
    sizes = [size for _, size, _ in share["files"]]
    first_chunks = accumulate((-(-size // MIB) for size in sizes), initial=0)
    nodes = [file_node(share["digests"][32 * first :], size) for first, size in zip(first_chunks, sizes, strict=False)]
    if not share["folder"]:
        root = nodes[0]
    else:
        tree = {}
        for path, node in [
            *((path, node) for (path, _, _), node in zip(share["files"], nodes, strict=True)),
            *((path, {}) for path in share["dirs"]),
        ]:
            below = tree
            for component in path[:-1]:
                below = below.setdefault(component, {})
            below[path[-1]] = node
        root = folder_node(tree)
    return "b" + b32encode(root[0]).decode().rstrip("=").lower()


def chacha20(seed, size):
    """kubo's test bytes: ChaCha20 with the key SHA-256(seed) and a nonce of zeros (test/cli/testutils)."""
    return Cipher(algorithms.ChaCha20(sha256(seed).digest(), bytes(16)), None).encryptor().update(bytes(size))


def share_of(contents, *, folder=True, dirs=()):
    """A share of files {path: bytes}."""
    files = [(path, len(data), sha256(data).digest()) for path, data in sorted(contents.items())]
    digests = b"".join(
        sha256(data[at : at + MIB]).digest() for _, data in sorted(contents.items()) for at in range(0, len(data), MIB)
    )
    return {"folder": folder, "files": files, "dirs": sorted(dirs), "digests": digests}


def single(data):
    return share_of({("share",): data}, folder=False)


def claimed(chunks, last=MIB, path=("share",), *, folder=False):
    """A share of one file known by made-up digests alone: chunk i's is the SHA-256 of i in ASCII decimal."""
    digests = b"".join(sha256(str(number).encode()).digest() for number in range(chunks))
    size = (chunks - 1) * MIB + last
    return {"folder": folder, "files": [(path, size, sha256(b"whole").digest())], "dirs": [], "digests": digests}


# The roots of IPIP-499, which kubo's own tests (test/cli/cid_profiles_test.go) compute from the same bytes.
PUBLISHED = {
    "the text 'hello world' (IPIP-499)": (
        single(b"hello world"), "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
    "one chunk: 1 MiB of ChaCha20 under 'chunk-v1-seed' (IPIP-499)": (
        single(chacha20(b"chunk-v1-seed", MIB)), "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta"),
    "one byte more: 1 MiB + 1 of ChaCha20 under 'chunk-v1-seed' (IPIP-499)": (
        single(chacha20(b"chunk-v1-seed", MIB + 1)), "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64"),
    "an empty file": (single(b""), "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
    "an empty folder": (share_of({}), "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"),
}  # fmt: skip


def shares():
    return {what: share for what, (share, _) in PUBLISHED.items()} | {
        "1024 chunks: one full node": claimed(1024),
        "1025 chunks: a second level": claimed(1025, last=1),
        "3000 chunks": claimed(3000, last=12345),
        "a folder of everything": share_of(
            {
                ("a", "b", "c.txt"): b"deep",
                ("a-b",): b"sorts before a/ in joined texts",
                ("empty",): b"",
                ("two chunks",): chacha20(b"two", MIB + 7),
                ("\u00e9",): b"composed",
                ("\U0001f41f", "\ufffd"): b"beyond the basic plane",
                ("\ufffd",): b"UTF-8 order is not UTF-16 order",
            },
            dirs=[("a", "nothing"), ("nothing", "in", "here")],
        ),
    }


def build():
    return {
        "about": "IPFS roots of shares in chunks of 1 MiB: MANIFEST.md, section 7. Files are in manifest order; without"
        " 'digests', digest i of the share is the SHA-256 of i in ASCII decimal.",
        "roots": [
            {
                "what": what,
                "folder": share["folder"],
                "files": [{"path": list(path), "size": size} for path, size, _ in share["files"]],
                "dirs": [list(path) for path in share["dirs"]],
                "digests": share["digests"].hex() if len(share["digests"]) < 32 * 100 else None,
                "root": root_of(share),
            }
            for what, share in shares().items()
        ],
    }


def manifest_of(share):
    return Manifest(
        name="share",
        chunk_size=MIB,
        files=tuple(FileEntry(*entry) for entry in share["files"]),
        digests=share["digests"],
        is_folder=share["folder"],
        empty_dirs=tuple(share["dirs"]),
    )


def test_the_file_holds_what_the_page_says():
    assert json.loads(VECTORS.read_text()) == build()


@pytest.mark.parametrize("share", shares().values(), ids=shares())
def test_roots_by_the_page(share):
    manifest = manifest_of(share)
    assert encode(manifest)
    assert str(ipfs_root(manifest)) == root_of(share)


@pytest.mark.parametrize(("share", "root"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_roots(share, root):
    assert str(ipfs_root(manifest_of(share))) == root


def kubo_folder(last_name):
    """4,766 files of one 'x', named by kubo's alphabet, the last name `last_name` characters long."""
    alphabet = "abcdefghijklmnopqrstuvwxyz01234567890-_"
    stream = chacha20(b"hamt-unixfs-v1-2025", 4765 * 11 + last_name)
    letters = "".join(alphabet[byte % len(alphabet)] for byte in stream)
    names = [letters[at : at + 11] for at in range(0, 4765 * 11, 11)] + [letters[4765 * 11 :]]
    return manifest_of(share_of({(name,): b"x" for name in names}))


def test_a_folder_of_exactly_256_kib_is_one_block():
    assert str(ipfs_root(kubo_folder(21))) == "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4"


def test_a_folder_one_byte_larger_has_no_root_here():
    with pytest.raises(NotDerivableError, match="too large"):
        ipfs_root(kubo_folder(22))


def test_no_root_without_digests_or_ipfs_leaves():
    manifest = manifest_of(claimed(8193))
    with pytest.raises(NotDerivableError, match="not here yet"):
        ipfs_root(decode(encode(manifest).block))
    with pytest.raises(NotDerivableError, match="Only chunks of 1048576 bytes"):
        ipfs_root(replace(manifest_of(single(b"x")), chunk_size=MIB * 2))


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=3).filter(
    lambda text: text not in (".", "..")
)


@given(st.dictionaries(st.tuples(NAMES, NAMES, NAMES), st.binary(max_size=5), max_size=8))
def test_any_small_folder_by_the_page(contents):
    share = share_of(contents)
    assert str(ipfs_root(manifest_of(share))) == root_of(share)


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build(), indent=1, ensure_ascii=True) + "\n")
