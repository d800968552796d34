"""The blocks of `interop/vectors/manifests.json` that must be refused. Nothing here uses the code under test.

Each is wrong in the one way that is its name; what `block_of` and `folder_of` make unchanged is good, which is tested.
"""

from __future__ import annotations

from tests.protocols.manifest_bytes import (
    KIB,
    MIB,
    NOTHING,
    NULL,
    ONE,
    TRUE,
    array,
    block_of,
    file,
    folder_of,
    head,
    link,
    mapping,
    octets,
    path,
    raw_cid,
    text,
    uint,
)


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
