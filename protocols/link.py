"""The link that people send each other: `shoal:<cid>?name=…&size=…&peer=…`.

Source: MANIFEST.md, section 8.

Rules: the CID alone decides what is fetched. Name and size are hints to show until the manifest is here, peers are
hints where to ask first, and none of them is believed. A link is printable ASCII of at most 4 KiB with everything
else percent-encoded; keys nobody knows are skipped, so that later versions can add some. Whether a peer's multiaddr
is a good one is for `node/net` to say: here it only has to look like one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from protocols.cid import BASE32_LENGTH, DAG_CBOR, Cid, CidError
from protocols.geometry import MAX_CHUNK_SIZE, MAX_CHUNKS
from protocols.manifest_rules import RuleError, check_name

SCHEME: Final = "shoal:"
MAX_LINK_LENGTH: Final = 4096  # what chat programs, QR codes and shells still carry in one piece
MAX_PEERS: Final = 16  # more than a first dial needs; each costs whoever opens the link a connection attempt
MAX_SHARE_SIZE: Final = MAX_CHUNKS * MAX_CHUNK_SIZE

# Every share's CID starts like this in base32: version 1, dag-cbor, sha2-256 of 32 bytes fill six characters.
_CID_START: Final = "bafyrei"
_CID_PREFIX: Final = re.compile(r"bafyrei[a-z2-7]*")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRINTABLE: Final = re.compile(r"[!-~]*")
_PEER: Final = re.compile(r"/([!-~]*/)?p2p/[!-~]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")


class LinkError(ValueError):
    """A text that is not a link or CID of a share; `str()` is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Link:
    """A share's CID with hints; raises `LinkError` for what no link can carry."""

    cid: Cid
    name: str | None = None
    size: int | None = None  # bytes of all files
    peers: tuple[str, ...] = ()  # multiaddrs with /p2p/

    def __post_init__(self) -> None:
        if self.cid.codec != DAG_CBOR:
            raise LinkError("A link names a manifest, and this CID is not of one.")
        if self.name is not None:
            try:
                check_name(self.name)
            except RuleError as error:
                raise LinkError(f"The name in this link can't be one: {error}") from error
        if self.size is not None and not 0 <= self.size <= MAX_SHARE_SIZE:
            raise LinkError("The size in this link is not one a share can have.")
        if len(self.peers) > MAX_PEERS:
            raise LinkError(f"A link has at most {MAX_PEERS} peers, not {len(self.peers)}.")
        if not all(map(_PEER.fullmatch, self.peers)):
            raise LinkError("A peer in a link is a multiaddr that starts with '/' and has '/p2p/' in it.")
        if len(str(self)) > MAX_LINK_LENGTH:
            raise LinkError(f"A link has at most {MAX_LINK_LENGTH} characters.")

    @classmethod
    def parse(cls, text: str) -> Link:
        """The link that a text spells; raises `LinkError`."""
        if len(text) > MAX_LINK_LENGTH:
            raise LinkError(f"A link has at most {MAX_LINK_LENGTH} characters, not {len(text)}.")
        if text[: len(SCHEME)].lower() != SCHEME:
            raise LinkError("A link starts with 'shoal:'.")
        if _PRINTABLE.fullmatch(text) is None or _BAD_ESCAPE.search(text):
            raise LinkError("A link is printable ASCII, with '%' and two hex digits for every other byte.")
        cid_text, _, query = text[len(SCHEME) :].partition("?")
        values: dict[str, list[str]] = {"name": [], "size": [], "peer": []}
        for parameter in query.split("&"):
            key, _, value = parameter.partition("=")
            decoded = _decode(value)
            if key in values:
                values[key].append(decoded)
        return cls(
            _manifest_cid(cid_text),
            _at_most_one("name", values["name"]),
            _size(_at_most_one("size", values["size"])),
            tuple(dict.fromkeys(values["peer"])),
        )

    def __str__(self) -> str:
        parameters = []
        if self.name is not None:
            parameters.append(f"name={quote(self.name, safe='')}")
        if self.size is not None:
            parameters.append(f"size={self.size}")
        parameters.extend(f"peer={quote(peer, safe='/:')}" for peer in self.peers)
        return f"{SCHEME}{self.cid}" + ("?" if parameters else "") + "&".join(parameters)


def parse_target(text: str) -> Link:
    """What a person means by a link or a bare CID; raises `LinkError`."""
    text = text.strip()
    if text[: len(SCHEME)].lower() == SCHEME:
        return Link.parse(text)
    return Link(_manifest_cid(text))


def could_be_cid_prefix(text: str) -> bool:
    """Whether a share's CID in base32 may start with this text."""
    if len(text) > BASE32_LENGTH:
        return False
    return _CID_PREFIX.fullmatch(text) is not None or (text != "" and _CID_START.startswith(text))


def _manifest_cid(text: str) -> Cid:
    try:
        return Cid.parse(text, codecs=(DAG_CBOR,))
    except CidError as error:
        raise LinkError(str(error)) from error


def _decode(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise LinkError("A value in this link is not UTF-8.") from None


def _at_most_one(key: str, values: list[str]) -> str | None:
    if len(values) > 1:
        raise LinkError(f"This link has more than one {key}.")
    return values[0] if values else None


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    if _SIZE.fullmatch(text) is None:
        raise LinkError("The size in this link is not a number of bytes.")
    return int(text)
