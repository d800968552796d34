"""A CID: the self-describing name of a block of bytes.

Rules: shoal's CIDs are CIDv1 with a 32-byte sha2-256 digest and one of three codecs, which makes every one of them
exactly 36 bytes: `01 | codec | 12 20 | digest` (https://github.com/multiformats/cid). Anything else is refused with
a sentence for the person who pasted it. A text has one spelling per alphabet: lower-case base32 (`b…`), upper-case
base32 (`B…`) or base58 (`z…`); what doesn't encode back to itself is refused, so two texts that differ are two CIDs.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import base58

RAW: Final = 0x55
DAG_PB: Final = 0x70
DAG_CBOR: Final = 0x71

DIGEST_LENGTH: Final = 32
CID_LENGTH: Final = 36
BASE32_LENGTH: Final = 59  # 'b' and 58 characters for 36 bytes

# The longest text worth looking at: no spelling of 36 bytes that is read here is longer than base32's. It keeps
# base58, whose decoding is quadratic, away from a pasted novel.
MAX_CID_TEXT: Final = BASE32_LENGTH

# What shoal itself names: manifests are dag-cbor, chunks and digest pages are raw. dag-pb is only ever written,
# for the root an IPFS node would compute (`protocols/unixfs.py`).
SHARE_CODECS: Final = (DAG_CBOR, RAW)

_VERSION: Final = 0x01
_MULTIHASH_PREFIX: Final = b"\x12\x20"  # sha2-256, 32 bytes follow
_CODEC_NAMES: Final = {RAW: "raw", DAG_PB: "dag-pb", DAG_CBOR: "dag-cbor", 0x72: "libp2p-key"}


class CidError(ValueError):
    """Not a CID that shoal can use; `str()` is a sentence for a person."""


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A CIDv1 of a sha2-256 digest; ordered by codec, then digest."""

    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.codec not in (RAW, DAG_PB, DAG_CBOR):
            raise CidError(f"A CID here has the codec raw, dag-pb or dag-cbor, not {_codec_name(self.codec)}.")
        if len(self.digest) != DIGEST_LENGTH:
            raise CidError(f"A sha2-256 digest has {DIGEST_LENGTH} bytes, not {len(self.digest)}.")

    @classmethod
    def of(cls, codec: int, data: bytes | memoryview) -> Cid:
        """The CID of these bytes under this codec."""
        return cls(codec, hashlib.sha256(data).digest())

    @classmethod
    def from_bytes(cls, data: bytes, *, codecs: tuple[int, ...] = SHARE_CODECS) -> Cid:
        """The CID of its 36-byte form; raises `CidError`, also for other `codecs`."""
        if data[:2] == _MULTIHASH_PREFIX and len(data) == CID_LENGTH - 2:
            raise CidError("This is a version 0 CID; shoal uses version 1.")
        if data[:1] != bytes([_VERSION]):
            raise CidError("This is not a version 1 CID.")
        if data[1:2] and data[1] not in codecs:
            wanted = " or ".join(map(_codec_name, codecs))
            raise CidError(f"This CID has the codec {_codec_name(data[1])}, where {wanted} is expected.")
        if data[2:4] != _MULTIHASH_PREFIX[: len(data[2:4])]:
            raise CidError("This CID is not of a 32-byte sha2-256 hash.")
        if len(data) != CID_LENGTH:
            raise CidError(f"A CID has {CID_LENGTH} bytes, not {len(data)}: it is cut off or has too much at its end.")
        return cls(data[1], data[4:])

    @classmethod
    def parse(cls, text: str, *, codecs: tuple[int, ...] = SHARE_CODECS) -> Cid:
        """The CID of its text form (`b…`, `B…` or `z…`); raises as `from_bytes` does."""
        if text.startswith("Qm"):
            raise CidError("This is a version 0 CID ('Qm…'); shoal uses version 1 ('b…').")
        alphabet = _ALPHABETS.get(text[:1])
        if alphabet is None:
            raise CidError("A CID starts with 'b' (base32) or 'z' (base58).")
        if len(text) > MAX_CID_TEXT:
            raise CidError(f"A CID has at most {MAX_CID_TEXT} characters, not {len(text)}.")
        decode, encode = alphabet
        body = text[1:]
        try:
            data = decode(body)
            spells_itself = encode(data) == body
        except ValueError:
            spells_itself = False
        if not spells_itself:
            raise CidError("This CID is cut off or mistyped.")
        return cls.from_bytes(data, codecs=codecs)

    @property
    def multihash(self) -> bytes:
        """The 34 bytes `12 20 | digest`: the key of provider records in the DHT."""
        return _MULTIHASH_PREFIX + self.digest

    def to_bytes(self) -> bytes:
        """The 36-byte form."""
        return bytes((_VERSION, self.codec)) + self.multihash

    def to_base58(self) -> str:
        """The text form in base58 (`z…`), shorter by nine characters and the same CID."""
        return "z" + _encode_base58(self.to_bytes())

    def __bytes__(self) -> bytes:
        return self.to_bytes()  # what cbrrr asks of a link

    def names(self, data: bytes | memoryview) -> bool:
        """Whether these bytes are the block that this CID names."""
        return hashlib.sha256(data).digest() == self.digest

    def __str__(self) -> str:
        return "b" + _encode_base32(self.to_bytes())


def _codec_name(codec: int) -> str:
    return _CODEC_NAMES.get(codec, f"0x{codec:02x}")


def _decode_base32(text: str) -> bytes:
    if text != text.lower():
        raise ValueError("upper case in lower-case base32")
    return base64.b32decode(text.upper() + "=" * (-len(text) % 8))


def _encode_base32(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _encode_base58(data: bytes) -> str:
    return base58.b58encode(data).decode("ascii")


_ALPHABETS: Final[Mapping[str, tuple[Callable[[str], bytes], Callable[[bytes], str]]]] = {
    "b": (_decode_base32, _encode_base32),
    "B": (lambda text: _decode_base32(text.lower()), lambda data: _encode_base32(data).upper()),
    "z": (base58.b58decode, _encode_base58),
}
