"""Manifests put together byte by byte from MANIFEST.md. Nothing here uses the code under test."""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256

KIB, MIB = 1 << 10, 1 << 20


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * width:
            return bytes([major << 5 | info]) + number.to_bytes(width, "big")
    raise AssertionError(number)


def uint(number):
    return head(0, number)


def octets(data):
    return head(2, len(data)) + data


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return head(3, len(data)) + data


def array(items):
    return head(4, len(items)) + b"".join(items)


def mapping(pairs):
    return head(5, len(pairs)) + b"".join(text(key) + value for key, value in pairs)


def link(cid):
    return b"\xd8\x2a\x58\x25\x00" + cid


TRUE, FALSE, NULL = b"\xf5", b"\xf4", b"\xf6"
NOTHING = sha256().digest()
ONE = sha256(b"1").digest()


def raw_cid(block):
    return b"\x01\x55\x12\x20" + sha256(block).digest()


def spelled(cid):
    return "b" + b32encode(cid).decode().rstrip("=").lower()


def path(components):
    return array([text(component) for component in components])


def file(components, size, digest):
    return mapping([("path", path(components)), ("size", uint(size)), ("sha256", octets(digest))])


def block_of(**changed):
    """The manifest of a file `a` with the one byte `1`, with some of its values replaced by other bytes."""
    values = {
        "v": uint(1),
        "dirs": array([]),
        "name": text("a"),
        "chunk": uint(MIB),
        "files": array([file(["a"], 1, ONE)]),
        "pages": array([]),
        "folder": FALSE,
        "digests": octets(ONE),
    }
    return mapping([*(values | changed).items()])


def folder_of(files=(), dirs=(), digests=b"", **changed):
    return block_of(
        files=array([file(*entry) for entry in files]),
        dirs=array([path(entry) for entry in dirs]),
        digests=octets(digests),
        folder=TRUE,
        **changed,
    )


def counter_bytes(size):
    """The rule `counter`: 32-bit big-endian numbers from 0, cut off at `size`."""
    return b"".join(number.to_bytes(4, "big") for number in range(-(-size // 4)))[:size]


def numbered_digests(count):
    """The rule `sha256 of decimal`: digest i is the SHA-256 of i in ASCII decimal."""
    return b"".join(sha256(str(number).encode()).digest() for number in range(count))
