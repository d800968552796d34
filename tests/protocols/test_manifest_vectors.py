"""`interop/vectors/manifests.json`: manifests put together byte by byte from MANIFEST.md, and what we make of them.

Nothing below `build()` uses the code under test. Run as a script, this file writes the vectors.
"""

from __future__ import annotations

import json
import re
from base64 import b32encode
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import pytest

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.manifest import FileEntry, Manifest, attach_pages, decode, encode

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "manifests.json"
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


def bad_blocks():
    good = block_of()
    page = link(raw_cid(bytes(32)))
    paged = {"files": array([file(["a"], 8193 * MIB, ONE)]), "digests": octets(b"")}
    size_and_sha = [("size", uint(1)), ("sha256", octets(ONE))]
    other_page = b"\x01\x71\x12\x20" + bytes(32)
    return {
        "no bytes": b"",
        "cut off": good[:-1],
        "a byte too many": good + b"\0",
        "two of them": good + good,
        "a list": array([uint(1)]),
        "an empty map": mapping([]),
        "version 2": block_of(v=uint(2)),
        "version true": block_of(v=TRUE),
        "version in two bytes": block_of(v=b"\x18\x01"),
        "a key too few": mapping([("v", uint(1))]),
        "an unknown key": head(5, 9) + good[1:] + text("unknown!") + NULL,
        "a key twice": head(5, 9) + text("v") + uint(1) + good[1:],
        "keys in alphabetical order": mapping([
            ("chunk", uint(MIB)), ("digests", octets(ONE)), ("dirs", array([])), ("files", array([])),
            ("folder", TRUE), ("name", text("a")), ("pages", array([])), ("v", uint(1))]),
        "a map of indefinite length": b"\xbf" + good[1:] + b"\xff",
        "a text of indefinite length": block_of(name=b"\x7f\x61a\xff"),
        "a list that claims four billion": block_of(files=b"\x9a\xff\xff\xff\xff"),
        "a thousand nested lists": block_of(files=b"\x81" * 1000 + b"\x80"),
        "chunk size not a power of two": block_of(chunk=uint(1_000_000)),
        "chunk size 32 KiB": block_of(chunk=uint(32 * KIB)),
        "chunk size 32 MiB": block_of(chunk=uint(32 * MIB)),
        "chunk size 0": block_of(chunk=uint(0)),
        "chunk size as a float": block_of(chunk=b"\xfb\x41\x30\x00\x00\x00\x00\x00\x00"),
        "chunk size negative": block_of(chunk=head(1, MIB - 1)),
        "folder as a number": block_of(folder=uint(0)),
        "folder null": block_of(folder=NULL),
        "name empty": folder_of(name=text("")),
        "name '.'": folder_of(name=text(".")),
        "name '..'": folder_of(name=text("..")),
        "name with a slash": folder_of(name=text("a/b")),
        "name with NUL": folder_of(name=text("a\0")),
        "name of 256 bytes": folder_of(name=text("é" * 128)),
        "name as bytes": folder_of(name=octets(b"a")),
        "name not UTF-8": folder_of(name=text(b"\xff")),
        "name with a surrogate": folder_of(name=text(b"\xed\xa0\x80")),
        "name in overlong UTF-8": folder_of(name=text(b"\xc1\xa1")),
        "a single file under another name": block_of(name=text("b")),
        "a single file in a directory": block_of(files=array([file(["a", "a"], 1, ONE)])),
        "two files, but not a folder": block_of(
            files=array([file(["a"], 1, ONE), file(["b"], 1, ONE)]), digests=octets(ONE * 2)),
        "no file, and not a folder": block_of(files=array([]), digests=octets(b"")),
        "a directory, but not a folder": block_of(dirs=array([path(["b"])])),
        "a path without components": folder_of([([], 0, NOTHING)]),
        "a path of 33 components": folder_of([(["d"] * 33, 0, NOTHING)]),
        "an empty component": folder_of([(["a", ""], 0, NOTHING)]),
        "a component '..'": folder_of([(["..", "a"], 0, NOTHING)]),
        "a component with a slash": folder_of([(["a/b"], 0, NOTHING)]),
        "a component of 256 bytes": folder_of([(["x" * 256], 0, NOTHING)]),
        "a path as text": block_of(
            files=array([mapping([("path", text("a")), *size_and_sha])])),
        "a component as a number": block_of(
            files=array([mapping([("path", array([uint(1)])), *size_and_sha])])),
        "files out of order": folder_of([(["b"], 0, NOTHING), (["a"], 0, NOTHING)]),
        "files in the order of joined texts": folder_of([(["a-b"], 0, NOTHING), (["a", "b"], 0, NOTHING)]),
        "a file twice": folder_of([(["a"], 0, NOTHING)] * 2),
        "a file inside a file": folder_of([(["a"], 0, NOTHING), (["a", "b"], 0, NOTHING)]),
        "a file deep inside a file, with another between": folder_of(
            [(["a"], 0, NOTHING), (["a", "b"], 0, NOTHING), (["a", "c", "d"], 0, NOTHING)]),
        "empty directories out of order": folder_of(dirs=[["b"], ["a"]]),
        "an empty directory twice": folder_of(dirs=[["a"], ["a"]]),
        "an empty directory that is a file": folder_of([(["a"], 0, NOTHING)], [["a"]]),
        "an empty directory with a file in it": folder_of([(["a", "b"], 0, NOTHING)], [["a"]]),
        "an empty directory in an empty directory": folder_of(dirs=[["a"], ["a", "b"]]),
        "an empty directory inside a file": folder_of([(["a"], 0, NOTHING)], [["a", "b"]]),
        "an empty directory that is the share": folder_of(dirs=[[]]),
        "a file with an unknown key": block_of(
            files=array([mapping([("path", path(["a"])), ("size", uint(1)), ("mtime", uint(0)),
                                  ("sha256", octets(ONE))])])),
        "a file without a SHA-256": block_of(
            files=array([mapping([("path", path(["a"])), ("size", uint(1))])])),
        "a file as text": block_of(files=array([text("a")])),
        "a negative size": block_of(
            files=array([mapping([("path", path(["a"])), ("size", head(1, 0)), ("sha256", octets(ONE))])])),
        "a size as a float": block_of(
            files=array([mapping([("path", path(["a"])), ("size", b"\xfb\x3f\xf0" + bytes(6)),
                                  ("sha256", octets(ONE))])])),
        "a SHA-256 of 31 bytes": block_of(files=array([file(["a"], 1, ONE[:31])])),
        "a SHA-256 as text": block_of(
            files=array([mapping([("path", path(["a"])), ("size", uint(1)), ("sha256", text("a" * 32))])])),
        "an empty file with a SHA-256 of something": folder_of([(["a"], 0, ONE)]),
        "a file of one chunk with another SHA-256": block_of(digests=octets(NOTHING)),
        "no digest for a chunk": block_of(digests=octets(b"")),
        "a digest too many": block_of(digests=octets(ONE * 2)),
        "a byte of digest too few": block_of(digests=octets(ONE[:31])),
        "digests as a list": block_of(digests=array([octets(ONE)])),
        "a page where digests fit inline": block_of(digests=octets(b""), pages=array([page])),
        "digests and a page": block_of(pages=array([page])),
        "no page where there must be one": block_of(**paged),
        "two pages where there must be one": block_of(**paged, pages=array([page, page])),
        "a page and digests": block_of(**(paged | {"digests": octets(ONE)}), pages=array([page])),
        "a page of codec dag-cbor": block_of(**paged, pages=array([link(other_page)])),
        "a page of CID version 0": block_of(
            **paged, pages=array([b"\xd8\x2a\x58\x23\x00\x12\x20" + bytes(32)])),
        "a page as bytes": block_of(**paged, pages=array([octets(raw_cid(b""))])),
        "a page link without its 00": block_of(**paged, pages=array([b"\xd8\x2a\x58\x24" + raw_cid(b"")])),
        "a page under another tag": block_of(**paged, pages=array([b"\xd8\x2b\x58\x25\x00" + raw_cid(b"")])),
        "a chunk too many": folder_of(
            [(["a"], (2_097_152 << 20) + 1, ONE)], pages=array([page] * 129)),
        "the largest number as size": folder_of([(["a"], (1 << 64) - 1, ONE)]),
    }  # fmt: skip


def build():
    return {
        "about": "Manifests: MANIFEST.md, sections 2 to 6. All hex. A file's content is not here where 'digests' go by"
        " a rule. Every block under 'bad' must be refused.",
        "rules": {
            "counter": "32-bit big-endian numbers from 0 on, cut off at the file's size",
            "sha256 of decimal": "digest i is the SHA-256 of i in ASCII decimal: of '0', '1', … '10', …",
        },
        "good": good_vectors(),
        "bad": [{"why": why, "block": block.hex()} for why, block in bad_blocks().items()],
    }


CASES = build()


def manifest_of(case):
    return Manifest(
        name=case["name"],
        chunk_size=case["chunk"],
        files=tuple(
            FileEntry(tuple(entry["path"]), entry["size"], bytes.fromhex(entry["sha256"])) for entry in case["files"]
        ),
        digests=numbered_digests(case["digests"]["count"])
        if "rule" in case["digests"]
        else bytes.fromhex(case["digests"]["hex"]),
        is_folder=case["folder"],
        empty_dirs=tuple(map(tuple, case["dirs"])),
        pages=tuple(map(Cid.parse, case["pages"])),
    )


def test_the_file_holds_what_the_page_says():
    assert json.loads(VECTORS.read_text()) == CASES


@pytest.mark.parametrize("case", CASES["good"], ids=lambda case: case["what"])
def test_good_vectors_both_ways(case):
    manifest = manifest_of(case)
    encoded = encode(manifest)
    assert str(encoded.cid) == case["cid"]
    assert len(encoded.block) == case["block_length"]
    assert case["block"] in (encoded.block.hex(), None)
    assert [spelled(raw_cid(page)) for page in encoded.pages] == case["pages"]
    assert attach_pages(decode(encoded.block), encoded.pages) == manifest
    assert Cid.parse(case["cid"], codecs=(DAG_CBOR,)).names(encoded.block)


@pytest.mark.parametrize("case", CASES["bad"], ids=lambda case: case["why"])
def test_bad_vectors_are_refused(case):
    with pytest.raises(RemoteProtocolError):
        decode(bytes.fromhex(case["block"]))


def test_the_bad_ones_differ_from_a_good_one():
    assert decode(block_of()).name == "a"
    assert decode(folder_of()).is_folder
    assert decode(folder_of([(["a"], 2_097_152 << 20, ONE)], pages=array([link(raw_cid(b""))] * 128))).pages


def test_the_example_of_the_page():
    page = (Path(__file__).parents[2] / "protocols" / "MANIFEST.md").read_text()
    length, example = re.search(
        r"Example, an empty file named `a`, (\d+) bytes in all:\s+```(.*?)```", page, re.DOTALL
    ).groups()
    words = (takewhile(re.compile("([0-9a-f]{2})+").fullmatch, line.split()) for line in example.splitlines())
    block = bytes.fromhex("".join(word for line in words for word in line))
    assert block == block_of(files=array([file(["a"], 0, NOTHING)]), digests=octets(b""))
    assert len(block) == int(length)
    assert decode(block).files == (FileEntry(("a",), 0, NOTHING),)


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build(), indent=1, ensure_ascii=True) + "\n")
