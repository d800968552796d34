"""`interop/vectors/cids.json`: CIDs spelled by hand from MANIFEST.md, section 1, and what the code makes of them.

Run as a script, this file writes the vectors.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from protocols.cid import DAG_CBOR, DAG_PB, RAW, Cid, CidError

VECTORS = Path(__file__).parents[2] / "interop" / "vectors" / "cids.json"
CODECS = {"raw": RAW, "dag-cbor": DAG_CBOR, "dag-pb": DAG_PB}


def base32(data):
    """RFC 4648 without padding, bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[int(bits[at : at + 5], 2)] for at in range(0, len(bits), 5))


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return text


def good(codec_name, codec, data):
    digest = hashlib.sha256(data).digest()
    cid = bytes([0x01, codec, 0x12, 0x20]) + digest
    return {
        "data": data.hex(),
        "codec": codec_name,
        "cid": "b" + base32(cid),
        "upper": "B" + base32(cid).upper(),
        "base58": "z" + base58(cid),
        "bytes": cid.hex(),
        "multihash": cid[2:].hex(),
    }


def build():
    digest = hashlib.sha256(b"shoal").digest()
    cid = b"\x01\x71\x12\x20" + digest
    text = "b" + base32(cid)
    mistyped = "abcdefghijklmnopqrstuvwxyz234567"[1 + "abcdefghijklmnopqrstuvwxyz234567".index(text[-1])]
    bad_texts = {
        "empty": "",
        "no multibase prefix": text[1:],
        "base36": "k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8",
        "base16": "f" + cid.hex(),
        "base64": "mAXESIA",
        "version 0": "Qm" + base58(b"\x12\x20" + digest)[2:],
        "version 2": "b" + base32(b"\x02" + cid[1:]),
        "codec libp2p-key": "b" + base32(b"\x01\x72" + cid[2:]),
        "codec dag-pb": "b" + base32(b"\x01\x70" + cid[2:]),
        "hash identity": "b" + base32(b"\x01\x55\x00\x20" + digest),
        "hash sha2-512, cut to 32 bytes": "b" + base32(b"\x01\x71\x13\x20" + digest),
        "digest of 20 bytes": "b" + base32(b"\x01\x71\x12\x14" + digest[:20]),
        "cut off": text[:-1],
        "cut off after the prefix": "b",
        "too long": text + "a",
        "37 bytes": "b" + base32(cid + b"\0"),
        "unused bits set": text[:-1] + mistyped,
        "padding": text + "======",
        "mixed case": text[:10] + text[10:].upper(),
        "upper case under b": "b" + text[1:].upper(),
        "lower case under B": "B" + text[1:],
        "1 is not in base32": text[:20] + "1" + text[21:],
        "0 is not in base58": "z" + base58(cid)[:20] + "0" + base58(cid)[21:],
        "blank before": " " + text,
        "blank behind": text + " ",
        "blank behind base58": "z" + base58(cid) + " ",
        "line end": text + "\n",
        "a letter that upper-cases to ASCII": text[:20] + "\u017f" + text[21:],
        "full-width letters": "b" + "\uff41" * 58,
    }
    bad_bytes = {
        "empty": b"",
        "version 0": b"\x12\x20" + digest,
        "cut off": cid[:-1],
        "a byte too many": cid + b"\0",
        "only the version": cid[:1],
        "only version and codec": cid[:2],
        "version 2": b"\x02" + cid[1:],
        "codec dag-pb": b"\x01\x70" + cid[2:],
        "codec of two bytes (dag-json)": b"\x01\xa9\x02" + cid[2:],
        "hash blake3": b"\x01\x71\x1e\x20" + digest,
        "hash length 31": b"\x01\x71\x12\x1f" + digest[:31],
    }
    return {
        "about": "CIDs of shoal: MANIFEST.md, section 1. 'data' is hashed under 'codec'; all spellings are one CID.",
        "good": [
            good("raw", 0x55, b""),
            good("raw", 0x55, b"hello world"),
            good("dag-cbor", 0x71, b"\xa0"),
            good("dag-cbor", 0x71, b"\xff" * 1000),
        ],
        "output_only": [good("dag-pb", 0x70, b"\x0a\x02\x08\x01")],
        "bad_texts": [{"why": why, "text": text} for why, text in bad_texts.items()],
        "bad_bytes": [{"why": why, "bytes": data.hex()} for why, data in bad_bytes.items()],
    }


CASES = build()


def test_the_file_holds_what_the_page_says():
    assert json.loads(VECTORS.read_text()) == CASES


@pytest.mark.parametrize("vector", CASES["good"] + CASES["output_only"], ids=lambda vector: vector["cid"])
def test_good(vector):
    codec = CODECS[vector["codec"]]
    cid = Cid.of(codec, bytes.fromhex(vector["data"]))
    assert str(cid) == vector["cid"]
    assert cid.to_base58() == vector["base58"]
    assert cid.to_bytes().hex() == bytes(cid).hex() == vector["bytes"]
    assert cid.multihash.hex() == vector["multihash"]
    assert cid.names(bytes.fromhex(vector["data"]))
    for spelling in ("cid", "upper", "base58"):
        assert Cid.parse(vector[spelling], codecs=(codec,)) == cid
    assert Cid.from_bytes(bytes.fromhex(vector["bytes"]), codecs=(codec,)) == cid


@pytest.mark.parametrize("vector", CASES["bad_texts"], ids=lambda vector: vector["why"])
def test_bad_text(vector):
    with pytest.raises(CidError):
        Cid.parse(vector["text"])


@pytest.mark.parametrize("vector", CASES["bad_bytes"], ids=lambda vector: vector["why"])
def test_bad_bytes(vector):
    with pytest.raises(CidError):
        Cid.from_bytes(bytes.fromhex(vector["bytes"]))


def test_published_cids_are_spelled_the_same():
    spelled = {vector["data"]: vector["cid"] for vector in CASES["good"] + CASES["output_only"]}
    # the empty raw block and the empty UnixFS directory (specs.ipfs.tech), and "hello world" (IPIP-499)
    assert spelled[""] == "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    assert spelled["0a020801"] == "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
    assert spelled[b"hello world".hex()] == "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"


if __name__ == "__main__":
    VECTORS.write_text(json.dumps(build(), indent=1, ensure_ascii=True) + "\n")
