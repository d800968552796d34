"""`interop/vectors/manifests.json`: manifests put together byte by byte from MANIFEST.md, and what we make of them.

`python -m tests.protocols.test_manifest_vectors` writes the vectors.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from pathlib import Path

import pytest

from protocols.cid import DAG_CBOR, Cid
from protocols.errors import RemoteProtocolError
from protocols.manifest import FileEntry, Manifest, attach_pages, decode, encode
from tests.protocols.bad_manifests import bad_blocks
from tests.protocols.good_manifests import good_vectors
from tests.protocols.manifest_bytes import (
    NOTHING,
    ONE,
    array,
    block_of,
    file,
    folder_of,
    link,
    numbered_digests,
    octets,
    raw_cid,
    spelled,
)

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "manifests.json"


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
