"""Noise transport messages against an independent implementation, and against whatever bytes a peer may send."""

from __future__ import annotations

from struct import pack

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.noise import MAX_MESSAGE, MAX_PLAINTEXT, TAG_SIZE, Decryptor, Encryptor

KEY = bytes(range(32))
SIZES = st.one_of(st.integers(0, 300), st.sampled_from([MAX_PLAINTEXT - 1, MAX_PLAINTEXT, MAX_PLAINTEXT + 1, 200_000]))


def sealed(plaintext: bytes, number: int) -> bytes:
    """One message as the specification writes it, by other code than ours."""
    nonce = bytes(4) + number.to_bytes(8, "little")
    body = ChaCha20Poly1305(KEY).encrypt(nonce, plaintext, b"")
    return len(body).to_bytes(2, "big") + body


def test_writes_what_the_specification_says():
    encryptor = Encryptor(KEY, nonce=7)
    assert encryptor.encrypt(b"hello") == sealed(b"hello", 7)
    assert encryptor.encrypt(b"again") == sealed(b"again", 8)


def test_fills_messages_to_the_brim():
    data = bytes(MAX_PLAINTEXT + 1)
    assert Encryptor(KEY).encrypt(data) == sealed(data[:MAX_PLAINTEXT], 0) + sealed(b"\0", 1)
    assert int.from_bytes(Encryptor(KEY).encrypt(data)[:2], "big") == MAX_MESSAGE


def test_nothing_is_no_message():
    assert Encryptor(KEY).encrypt(b"") == b""


def test_parts_are_sealed_as_if_they_were_one():
    data = bytes(range(256)) * 1100
    for cuts in [(0, 12), (12, 24, 65_519), (65_519, 131_038), (1, 65_518, 65_519, 65_520), (131_000, 200_000)]:
        ends = [*cuts, len(data)]
        parts = [memoryview(data)[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
        assert Encryptor(KEY).encrypt(*parts) == Encryptor(KEY).encrypt(data), cuts


@given(st.lists(SIZES, max_size=5), st.lists(st.integers(1, 100_000), max_size=20))
def test_what_is_sealed_is_opened_however_it_is_cut(sizes: list[int], cuts: list[int]):
    encryptor, decryptor = Encryptor(KEY), Decryptor(KEY)
    wanted = b"".join(bytes([index]) * size for index, size in enumerate(sizes))
    wire = b"".join(encryptor.encrypt(bytes([index]) * size) for index, size in enumerate(sizes))
    got = b""
    for cut in [*cuts, len(wire)]:
        got += b"".join(decryptor.receive_data(wire[:cut]))
        wire = wire[cut:]
    assert got == wanted
    assert decryptor.is_between_messages


def test_byte_at_a_time_gives_each_message_with_its_last_byte():
    decryptor = Decryptor(KEY)
    wire = sealed(b"first", 0) + sealed(b"second", 1)
    got = [(at, plain) for at in range(len(wire)) for plain in decryptor.receive_data(wire[at : at + 1])]
    assert got == [(2 + 5 + TAG_SIZE - 1, b"first"), (len(wire) - 1, b"second")]


def test_a_read_of_nothing_changes_nothing_wherever_it_comes():
    decryptor = Decryptor(KEY)
    wire = sealed(b"first", 0)
    got = [
        plain for at in range(len(wire)) for part in (wire[at : at + 1], b"") for plain in decryptor.receive_data(part)
    ]
    assert got == [b"first"]


def test_empty_messages_are_valid_and_say_nothing():
    decryptor = Decryptor(KEY)
    assert decryptor.receive_data(sealed(b"", 0) + sealed(b"x", 1)) == [b"x"]


def test_knows_whether_an_end_here_cuts_a_message():
    decryptor = Decryptor(KEY)
    wire = sealed(b"hello", 0)
    assert decryptor.is_between_messages
    decryptor.receive_data(wire[:-1])
    assert not decryptor.is_between_messages
    decryptor.receive_data(wire[-1:])
    assert decryptor.is_between_messages


@pytest.mark.parametrize("length", range(TAG_SIZE))
def test_refuses_a_message_shorter_than_its_tag(length: int):
    with pytest.raises(RemoteProtocolError, match="shorter than its tag"):
        Decryptor(KEY).receive_data(pack(">H", length) + bytes(length))


@given(st.integers(0, 22), st.integers(1, 255))
def test_refuses_a_message_that_was_changed_anywhere(at: int, flip: int):
    wire = bytearray(sealed(b"hello", 0))
    wire[at] ^= flip
    decryptor = Decryptor(KEY)
    try:
        assert decryptor.receive_data(bytes(wire)) == []  # its length was made larger: it waits for the rest
    except RemoteProtocolError:
        return
    assert at < 2


def test_refuses_a_replay():
    decryptor = Decryptor(KEY)
    decryptor.receive_data(sealed(b"hello", 0))
    with pytest.raises(RemoteProtocolError, match="authentication"):
        decryptor.receive_data(sealed(b"hello", 0))


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_any_bytes_give_plaintext_or_an_error(pieces: list[bytes]):
    decryptor = Decryptor(KEY)
    try:
        for piece in pieces:
            assert decryptor.receive_data(piece) == []  # without the key, nobody makes a valid message
    except RemoteProtocolError:
        pass


def test_ends_before_a_nonce_could_repeat():
    last = 2**64 - 2
    encryptor, decryptor = Encryptor(KEY, nonce=last), Decryptor(KEY, nonce=last)
    assert decryptor.receive_data(bytes(encryptor.encrypt(b"last"))) == [b"last"]
    with pytest.raises(LocalProtocolError, match="nonces"):
        encryptor.encrypt(b"one too many")
    with pytest.raises(RemoteProtocolError, match="nonces"):
        decryptor.receive_data(sealed(b"one too many", last + 1))
