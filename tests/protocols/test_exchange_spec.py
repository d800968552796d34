"""SPEC.md says what the code does: its tables are read and compared."""

from __future__ import annotations

import re
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest

from protocols.cid import Cid
from protocols.exchange import (
    PROTOCOL_ID,
    VERSION,
    ByeReason,
    Connection,
    Message,
    MessageType,
    RejectReason,
    State,
    decode,
    encode,
    limits,
)
from protocols.exchange.state import REACTIONS, TRANSITIONS
from protocols.framing import FrameDecoder
from protocols.geometry import Geometry
from protocols.manifest import MAX_MANIFEST_SIZE, PAGE_DIGESTS
from protocols.manifest import decode as decode_manifest
from tests.protocols.exchange_pair import MAX_MANIFEST, MAX_PAGE

SPEC = (Path(limits.__file__).parent / "SPEC.md").read_text()
MESSAGES = {cls.TYPE.name: cls for cls in get_args(Message)}


def table(header: str) -> list[list[str]]:
    """The rows of the table whose header row begins like this."""
    (_, rest) = SPEC.split(f"\n| {header} |")
    rows = rest.split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def section(name: str) -> str:
    (found,) = re.findall(rf"\n### {name}\n(.*?)\n##", SPEC, re.DOTALL)
    return found


def read(frame: str) -> Message | None:
    (payload,) = FrameDecoder(limits.MAX_PAYLOAD).feed(bytes.fromhex(frame))
    return decode(payload)


def test_the_protocol_id():
    assert f"    {PROTOCOL_ID}\n" in SPEC


def test_the_types_of_messages():
    assert {(int(number, 16), name) for number, name, _ in table("type | message")} == {
        (number.value, number.name) for number in MessageType
    }


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fields_of_each_message(name):
    rows = section(name).split("|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    assert [row.split("|")[1].strip() for row in rows] == [field.name for field in fields(MESSAGES[name])]


@pytest.mark.parametrize("name", MESSAGES)
def test_the_example_of_each_message(name):
    example = section(name).split("Example")[1]
    frame = re.findall(r"`([0-9a-f]{4,})`", example)[0]
    message = read(frame)
    assert message.TYPE.name == name
    assert b"".join(encode(message)).hex() == frame


def test_the_version():
    assert f"that the sender speaks: {VERSION} |" in section("HELLO")


def test_what_each_state_allows():
    written: dict[State, dict[MessageType, State]] = {state: {} for state in State}
    for state, names, after in table("state | may send"):
        for name in names.split(", "):
            written[State(state)][MessageType[name]] = State(after)
    assert written == TRANSITIONS


def test_what_changes_the_state_of_a_receiver():
    written = {
        MessageType[name]: {State(state): State(after) for state in states.split(", ")}
        for name, states, after in table("receives | in state")
    }
    assert written == REACTIONS


def test_the_limits():
    written = {name: int(value.replace(",", "")) for name, value, _ in table("limit | value")}
    versions = ("VERSION", "OLDEST_VERSION")
    assert written == {
        name: value for name, value in vars(limits).items() if isinstance(value, int) and name not in versions
    }
    assert f"1 to {limits.MAX_PAYLOAD:,} |" in SPEC
    sizes = f"{MAX_MANIFEST_SIZE:,} bytes for the manifest, {32 * PAGE_DIGESTS:,} for a digest page"
    assert sizes in " ".join(SPEC.split())


@pytest.mark.parametrize(
    ("header", "reasons"), [("number | reject reason", RejectReason), ("number | bye reason", ByeReason)]
)
def test_the_reasons(header, reasons):
    assert [(int(number), name) for number, name, _ in table(header)] == [
        (reason.value, reason.name.lower()) for reason in reasons
    ]


def test_the_conversation():
    cid = Cid.parse(re.findall(r"only the CID `(b\w+)`", SPEC)[0])
    opener, acceptor = (
        Connection(one, request_limit=1 << 24, max_manifest_size=MAX_MANIFEST, max_page_size=MAX_PAGE)
        for one in (cid, None)
    )
    acceptor.set_geometry(Geometry(1 << 20, (14,)))
    said = []
    for _, side, name, quoted in table("# | from"):
        frame = quoted.strip("`")
        message = read(frame)
        speaker, listener = (opener, acceptor) if side == "opener" else (acceptor, opener)
        assert b"".join(speaker.send(message)).hex() == frame
        listener.receive_data(bytes.fromhex(frame))
        assert message.TYPE.name == name
        said.append(message)
        if name == "META":
            assert sha256(message.data).digest() == cid.digest
            manifest = decode_manifest(bytes(message.data))
            assert manifest.name == "hello.txt"
            opener.set_geometry(manifest.geometry)
        if name == "DATA":
            assert message.data == b"Hello, shoal!\n"
            assert sha256(message.data).digest() == manifest.digest(0)
    assert {message.TYPE.name for message in said} >= {"HELLO", "GET_META", "META", "BITFIELD", "DATA", "HAVE", "BYE"}
    opener.receive_eof()
    acceptor.receive_eof()
