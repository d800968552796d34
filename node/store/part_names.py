"""The name of a partial file or folder beside the place where a download will end.

Rule: hidden, beside the destination (a rename can't cross file systems), and with so much of the CID in it that two
downloads never share one.
"""

from __future__ import annotations

import re

from node.store.names import MAX_NAME_BYTES, shorten
from protocols.cid import Cid

CID_CHARACTERS = 24
"""Seven that all CIDs begin with and 85 bits more: nobody makes a second CID that fits, even on purpose."""

_PART = re.compile(rf"\..+\.b[a-z2-7]{{{CID_CHARACTERS - 1}}}\.part", re.DOTALL)


def part_name(name: str, cid: Cid) -> str:
    """The partial's name for a download that will be called `name`, a safe name."""
    ending = f".{str(cid)[:CID_CHARACTERS]}.part"
    return "." + shorten(name, MAX_NAME_BYTES - 1 - len(ending)) + ending


def is_part_name(name: str) -> bool:
    """Whether this is the name of an unfinished download."""
    return _PART.fullmatch(name) is not None
