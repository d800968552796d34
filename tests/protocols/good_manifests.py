"""The manifests of `interop/vectors/manifests.json` that are good. Nothing here uses the code under test."""

from __future__ import annotations

from hashlib import sha256

from tests.protocols.manifest_bytes import (
    FALSE,
    KIB,
    MIB,
    TRUE,
    array,
    counter_bytes,
    file,
    link,
    mapping,
    numbered_digests,
    octets,
    path,
    raw_cid,
    spelled,
    text,
    uint,
)


def vector(name, files, *, share_name="share", folder=True, chunk=MIB, dirs=(), digests=None):
    """One good vector. `files` are (path, content) or, where digests go by the rule, (path, size, SHA-256)."""
    entries, joined = [], b""
    for components, *described in files:
        if len(described) == 1:
            content = described[0]
            joined += b"".join(sha256(content[at : at + chunk]).digest() for at in range(0, len(content), chunk))
            described = [len(content), sha256(content).digest()]
        entries.append((components, *described))
    rule = {"rule": "sha256 of decimal", "count": len(digests) // 32} if digests else {"hex": joined.hex()}
    joined = digests or joined
    pages = []
    if len(joined) > 8192 * 32:
        pages = [joined[at : at + 16384 * 32] for at in range(0, len(joined), 16384 * 32)]
    block = mapping(
        [
            ("v", uint(1)),
            ("dirs", array([path(entry) for entry in dirs])),
            ("name", text(share_name)),
            ("chunk", uint(chunk)),
            ("files", array([file(*entry) for entry in entries])),
            ("pages", array([link(raw_cid(page)) for page in pages])),
            ("folder", TRUE if folder else FALSE),
            ("digests", octets(b"" if pages else joined)),
        ]
    )
    return {
        "what": name,
        "cid": spelled(b"\x01\x71\x12\x20" + sha256(block).digest()),
        "name": share_name,
        "folder": folder,
        "chunk": chunk,
        "files": [{"path": list(at), "size": size, "sha256": digest.hex()} for at, size, digest in entries],
        "dirs": [list(entry) for entry in dirs],
        "digests": rule,
        "pages": [spelled(raw_cid(page)) for page in pages],
        "block_length": len(block),
        # left out where it is mostly digests: the CID is of every byte of it
        "block": block.hex() if len(block) < 10_000 else None,
    }


def good_vectors():
    names = ["\u00e9 composed", "e\u0301 decomposed", "\U0001f41f", "кит", "\u202egpj.exe", "line\nend", "x" * 255]
    whole = sha256(b"whole file").digest()
    return [
        vector("a small file", [(["hello.txt"], b"hello world")], share_name="hello.txt", folder=False),
        vector("an empty file", [(["empty"], b"")], share_name="empty", folder=False),
        vector("a file of two chunks and a byte: content by the rule 'counter'",
               [(["c"], counter_bytes(2 * 64 * KIB + 1))], share_name="c", folder=False, chunk=64 * KIB),
        vector("a file of exactly two chunks: content by the rule 'counter'",
               [(["c"], counter_bytes(2 * 64 * KIB))], share_name="c", folder=False, chunk=64 * KIB),
        vector("the same file in a folder of its own name",
               [(["hello.txt"], b"hello world")], share_name="hello.txt"),
        vector("an empty folder", []),
        vector("a folder of empty folders", [], dirs=[["a"], ["b", "c"]]),
        vector("components, not joined texts, give the order",
               [(["a", "b"], b"1"), (["a", "c"], b""), (["a-b"], b"2")], dirs=[["a", "b-"], ["a0"]]),
        vector("names are kept byte for byte",
               [([name], name.encode()) for name in sorted(names, key=str.encode)], dirs=[["пусто"]]),
        vector("the deepest path", [(["d"] * 32, b"deep")]),
        vector("the largest chunk size", [(["c"], b"1")], chunk=16 * MIB),
        vector("as many digests as fit inline", [(["c"], 8192 * MIB, whole)], digests=numbered_digests(8192)),
        vector("one digest more: one page", [(["c"], 8192 * MIB + 1, whole)], digests=numbered_digests(8193)),
        vector("three pages, and a small file at the end of the last one",
               [(["big"], 39_999 * MIB, whole), (["small"], 5, sha256(b"39999").digest())],
               digests=numbered_digests(40_000)),
    ]  # fmt: skip
