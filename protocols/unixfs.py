"""The IPFS root of a share: the CID an IPFS node gives the same files.

Source: the profile unixfs-v1-2025 (IPIP-499, https://specs.ipfs.tech/ipips/ipip-0499/) and the dag-pb specification
(https://ipld.io/specs/codecs/dag-pb/spec/), both restated in MANIFEST.md, section 7.

Rules: the root follows from the digests, and no file is read. A share in default chunks has that profile's leaves
already: raw blocks, in balanced trees with 1024 links to a node. A file of one chunk, or of none, is its raw leaf.
Blocks are hashed and dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from protocols.cid import DAG_PB, DIGEST_LENGTH, RAW, Cid
from protocols.framing import encode_uvarint
from protocols.geometry import DEFAULT_CHUNK_SIZE
from protocols.manifest import Manifest

LEAF_SIZE: Final = DEFAULT_CHUNK_SIZE
WIDTH: Final = 1024  # links in a file's node
MAX_DIRECTORY_BLOCK: Final = 256 << 10  # a directory of more bytes than this becomes a HAMT in that profile

_DIRECTORY_TYPE: Final = 1  # UnixFS Data.Type
_FILE_TYPE: Final = 2


class NotDerivableError(ValueError):
    """The digests give no IPFS root; `str()` is a sentence for a person."""


class _Node(NamedTuple):
    """A block that others link to."""

    cid: bytes
    file_size: int  # bytes of the file below it
    dag_size: int  # bytes of all blocks below it and of itself: a link's Tsize


_Tree = dict[str, "_Node | _Tree"]

_RAW_CID_START: Final = bytes(Cid.of(RAW, b""))[:-DIGEST_LENGTH]
_EMPTY_LEAF: Final = _Node(bytes(Cid.of(RAW, b"")), 0, 0)


def ipfs_root(manifest: Manifest) -> Cid:
    """The root CID of a share on IPFS, raw or dag-pb; raises `NotDerivableError`."""
    if manifest.chunk_size != LEAF_SIZE:
        raise NotDerivableError(f"Only chunks of {LEAF_SIZE} bytes are IPFS leaves, not {manifest.chunk_size}.")
    if not manifest.has_digests:
        raise NotDerivableError("The digest pages of this share are not here yet.")
    root = _directory(_tree(manifest)) if manifest.is_folder else _file(manifest, 0)
    return Cid.from_bytes(root.cid, codecs=(RAW, DAG_PB))


def _tree(manifest: Manifest) -> _Tree:
    tree: _Tree = {}
    for number, entry in enumerate(manifest.files):
        _descend(tree, entry.path[:-1])[entry.path[-1]] = _file(manifest, number)
    for path in manifest.empty_dirs:
        _descend(tree, path)
    return tree


def _descend(tree: _Tree, path: Iterable[str]) -> _Tree:
    for component in path:
        below = tree.setdefault(component, {})
        assert isinstance(below, dict)  # no path of a manifest lies inside a file
        tree = below
    return tree


def _directory(tree: _Tree) -> _Node:
    # By code point, which is the byte order of UTF-8 that dag-pb wants.
    children = sorted(tree.items(), key=lambda item: item[0])
    links = [(name, _directory(child) if isinstance(child, dict) else child) for name, child in children]
    node, size = _node(links, _int_field(1, _DIRECTORY_TYPE), 0)
    if size > MAX_DIRECTORY_BLOCK:
        raise NotDerivableError("A folder of this share is too large for one IPFS block, and sharding it is not done.")
    return node


def _file(manifest: Manifest, number: int) -> _Node:
    level: Iterable[_Node] = _leaves(manifest, number)
    width = len(manifest.geometry.file_chunks(number))
    while width > 1:
        level = [_parent(children) for children in _groups(level)]
        width = len(level)
    return next(iter(level), _EMPTY_LEAF)


def _leaves(manifest: Manifest, number: int) -> Iterator[_Node]:
    left = manifest.files[number].size
    for index in manifest.geometry.file_chunks(number):
        length = min(left, LEAF_SIZE)
        yield _Node(_RAW_CID_START + manifest.digest(index), length, length)
        left -= length


def _groups(nodes: Iterable[_Node]) -> Iterator[list[_Node]]:
    iterator = iter(nodes)
    while group := list(islice(iterator, WIDTH)):
        yield group


def _parent(children: list[_Node]) -> _Node:
    file_size = sum(child.file_size for child in children)
    block_sizes = b"".join(_int_field(4, child.file_size) for child in children)
    data = _int_field(1, _FILE_TYPE) + _int_field(3, file_size) + block_sizes
    return _node([("", child) for child in children], data, file_size)[0]


def _node(links: list[tuple[str, _Node]], data: bytes, file_size: int) -> tuple[_Node, int]:
    """The dag-pb node of these links and this UnixFS data, and the size of its block."""
    block = b"".join(_link(name, child) for name, child in links) + _bytes_field(1, data)
    dag_size = len(block) + sum(child.dag_size for _, child in links)
    return _Node(bytes(Cid.of(DAG_PB, block)), file_size, dag_size), len(block)


def _link(name: str, child: _Node) -> bytes:
    return _bytes_field(2, _bytes_field(1, child.cid) + _bytes_field(2, name.encode()) + _int_field(3, child.dag_size))


def _bytes_field(number: int, value: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + encode_uvarint(len(value)) + value


@lru_cache(maxsize=64)  # the leaves of a large file are all of one size
def _int_field(number: int, value: int) -> bytes:
    return bytes((number << 3,)) + encode_uvarint(value)
