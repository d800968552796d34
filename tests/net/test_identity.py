"""The identity key: other implementations' files, private, whole, and never lost silently."""

from __future__ import annotations

import errno
import os

import pytest

from node.errors import StorageError
from node.net.errors import IdentityError
from node.net.identity import Identity, load, load_or_create

# libp2p specs, peer-ids/peer-ids.md, "Test vectors": what go-libp2p writes for an Ed25519 private key.
GO_KEY = bytes.fromhex(
    "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d"
    "1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"
)
GO_PEER_ID = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"


def test_a_key_file_of_go_libp2p_is_read_and_written(tmp_path):
    path = tmp_path / "identity.key"
    path.write_bytes(GO_KEY)
    identity = load(path)
    assert identity.to_bytes() == GO_KEY
    assert identity.peer_id == GO_PEER_ID


def test_a_key_file_of_py_libp2p_is_the_same_key(tmp_path):
    path = tmp_path / "identity.key"
    path.write_bytes(bytes.fromhex("08011220") + GO_KEY[4:36])
    assert load(path) == Identity.from_bytes(GO_KEY)


def test_a_new_key_is_kept_and_private(tmp_path):
    path = tmp_path / "new folder" / "identity.key"
    identity = load_or_create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 68
    assert load_or_create(path) == identity
    assert [file.name for file in path.parent.iterdir()] == ["identity.key"]  # no draft is left behind


def test_two_identities_differ(tmp_path):
    assert load_or_create(tmp_path / "a").peer_id != load_or_create(tmp_path / "b").peer_id


def test_a_key_that_others_could_read_is_made_private(tmp_path):
    path = tmp_path / "identity.key"
    path.write_bytes(GO_KEY)
    path.chmod(0o644)
    load(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_appears_meanwhile_is_used_and_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "identity.key"
    other = Identity.generate()

    def generate() -> Identity:
        path.write_bytes(other.to_bytes())  # another process is first
        return Identity.from_bytes(GO_KEY)

    monkeypatch.setattr(Identity, "generate", generate)
    assert load_or_create(path) == other
    assert path.read_bytes() == other.to_bytes()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (b"hello", "5 bytes"),
        (GO_KEY[:-1], "67 bytes"),
        (GO_KEY + b"\0", "69 bytes"),
        (b"\x08\x00" + GO_KEY[2:], "not an Ed25519 private key"),
        (GO_KEY[:-1] + bytes([GO_KEY[-1] ^ 1]), "does not belong to its private half"),
        (b"x" * 1_000_000, "4096 bytes"),
    ],
)
def test_a_damaged_key_is_a_clear_error_and_stays_where_it_is(tmp_path, data, reason):
    path = tmp_path / "identity.key"
    path.write_bytes(data)
    with pytest.raises(IdentityError, match=reason) as caught:
        load_or_create(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == data


def test_a_key_that_cannot_be_read_or_written_is_a_clear_error(tmp_path, monkeypatch):
    folder = tmp_path / "identity.key"
    folder.mkdir()
    with pytest.raises(StorageError, match="Cannot read the identity key"):
        load_or_create(folder)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"Cannot create the identity key .*: No space left"):
        load_or_create(tmp_path / "new.key")
    assert not [file for file in tmp_path.iterdir() if "new.key" in file.name]


def test_the_secret_is_not_shown():
    identity = Identity.from_bytes(GO_KEY)
    assert "7e0830" not in repr(identity)
    assert "~" not in repr(identity)
