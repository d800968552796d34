"""The node's key: who this node is to everybody else.

Rules: the file is go-libp2p's (`PrivateKey` protobuf, Ed25519, seed and public key: 68 bytes), so that a key moves
between implementations; py-libp2p's own 36-byte form (seed only) is read too. The file is private (0600), appears
whole or not at all, and an existing one is never replaced.
Source: libp2p specs, peer-ids/peer-ids.md, "Keys".
"""

from __future__ import annotations

import logging
import os
import secrets
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.peer.id import ID

from node.net.errors import IdentityError

log = logging.getLogger(__name__)

SEED_SIZE = 32
GO_PREFIX = bytes.fromhex("08011240")  # field 1: key type 1 (Ed25519); field 2: 64 bytes follow
PY_PREFIX = bytes.fromhex("08011220")  # the same with 32 bytes
MAX_FILE_SIZE = 4096  # a key has 68 bytes; whatever is longer is some other file and needn't be read whole
PRIVATE_MODE = 0o600


@dataclass(frozen=True)
class Identity:
    """An Ed25519 key and the peer id that follows from it."""

    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Identity:
        """A new random identity."""
        return cls(secrets.token_bytes(SEED_SIZE))

    @classmethod
    def from_bytes(cls, data: bytes) -> Identity:
        """The identity in a key file's bytes; raises ValueError with what is wrong."""
        if data.startswith(PY_PREFIX) and len(data) == len(PY_PREFIX) + SEED_SIZE:
            return cls(data[len(PY_PREFIX) :])
        if not data.startswith(GO_PREFIX) or len(data) != len(GO_PREFIX) + 2 * SEED_SIZE:
            raise ValueError(f"{len(data)} bytes that are not an Ed25519 private key of libp2p")
        identity = cls(data[len(GO_PREFIX) : len(GO_PREFIX) + SEED_SIZE])
        if identity.to_bytes() != data:
            raise ValueError("its public half does not belong to its private half")
        return identity

    def to_bytes(self) -> bytes:
        """The 68 bytes that go-libp2p reads and writes."""
        return GO_PREFIX + self.seed + self.key_pair.public_key.to_bytes()

    @cached_property
    def key_pair(self) -> KeyPair:
        """The same key as py-libp2p wants it."""
        return create_new_key_pair(seed=self.seed)

    @cached_property
    def peer_id(self) -> str:
        """The peer id, `12D3KooW…`."""
        return str(ID.from_pubkey(self.key_pair.public_key))


def load_or_create(path: Path) -> Identity:
    """The identity kept at `path`, made there if the file doesn't exist; raises IdentityError."""
    try:
        return load(path)
    except FileNotFoundError:
        pass
    identity = Identity.generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return identity if _write_new(path, identity.to_bytes()) else load(path)
    except OSError as error:
        raise IdentityError(f"Cannot create the identity key {path}: {error.strerror or error}.") from error


def load(path: Path) -> Identity:
    """The identity kept at `path`; raises IdentityError, or FileNotFoundError when there is none."""
    try:
        with path.open("rb") as file:
            _keep_private(path, os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_FILE_SIZE)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IdentityError(f"Cannot read the identity key {path}: {error.strerror or error}.") from error
    try:
        return Identity.from_bytes(data)
    except ValueError as error:
        raise IdentityError(
            f"The identity key {path} is damaged: {error}. Restore it, or move it away to start as a new peer."
        ) from error


def _keep_private(path: Path, mode: int) -> None:
    """Take the key away from group and others, as ssh would insist on."""
    if stat.S_IMODE(mode) & 0o077:
        log.warning("identity key %s was readable by others; set to mode 0600", path)
        path.chmod(PRIVATE_MODE)


def _write_new(path: Path, data: bytes) -> bool:
    """Put `data` at `path` in one step; False if somebody else was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename it never replaces a key that appeared meanwhile
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
