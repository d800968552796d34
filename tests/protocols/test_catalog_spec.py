"""SPEC.md of the catalogue says what the code does: its tables are read and compared."""

from __future__ import annotations

import re
from pathlib import Path

from protocols.catalog import MessageType, heads, limits

SPEC = (Path(limits.__file__).parent / "SPEC.md").read_text()
LIMITS = {name.removesuffix("_S"): value for name, value in vars(limits).items() if re.match("(MAX|MIN)_", name)}


def test_the_limits():
    told = {}
    for names, values in re.findall(r"^\| ((?:M\w+(?:, )?)+) \| ((?:\d+,? ?)+)", SPEC, re.MULTILINE):
        numbers = [int(value.replace(",", "")) for value in values.strip().split(", ")]
        told.update(zip(names.split(", "), numbers, strict=True))
    assert told == LIMITS


def test_the_messages():
    rows = re.findall(r"^\| ([0-9a-f]{2}) \| ([A-Z_]+) \|", SPEC, re.MULTILINE)
    assert {name: int(number, 16) for number, name in rows} == {kind.name: int(kind) for kind in MessageType}


def test_the_names_that_are_signed():
    assert f"`{limits.PROTOCOL_ID}`" in SPEC
    assert f"`{heads.DOMAIN.decode()}`" in SPEC
    assert f"`{heads.PAYLOAD_TYPE.decode()}`" in SPEC
    assert f"`{limits.PAGE_END:02x}`" in SPEC
