"""Noise transport messages: whole batches sealed and opened per call.

Rules of this file:
- It starts where the handshake ended: it is given each direction's key and the next nonce, and knows no keys else.
- Any number of messages per call. One call is one pass over the bytes: sealing writes into its result in place, and
  copies only where a message has bytes of two parts; opening gives one `bytes` per message, which the layers above
  slice without copying.
- What arrives is bounded: at most one unfinished message is kept.

Source: Noise Protocol Framework, revision 34, section 5.1 (CipherState); libp2p's `noise` specification, "Wire format".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.framing import Buffer

TAG_SIZE: Final = 16
"""Bytes of Poly1305 tag at the end of every message."""

MAX_MESSAGE: Final = 0xFFFF
"""The most that the two-byte length can say, tag included."""

MAX_PLAINTEXT: Final = MAX_MESSAGE - TAG_SIZE

MAX_NONCE: Final = 2**64 - 1
"""Reserved by Noise for rekeying, which libp2p doesn't use: the channel ends before a nonce could repeat."""

OPENED_TOGETHER: Final = 4
"""Messages whose plaintexts lie in one buffer: the layers above do what they do once per buffer, and a frame of theirs
is seldom longer. Not more, because a part that is kept keeps all of its buffer."""

_LENGTH: Final = Struct(">H")
_NONCE: Final = Struct("<4xQ")


class Encryptor:
    """Seals what this side sends."""

    def __init__(self, key: bytes, nonce: int = 0) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._nonce = nonce

    def encrypt(self, *parts: Buffer) -> bytearray:
        """Seals the parts in a row into as few messages as they fit in, ready for the wire.

        Raises LocalProtocolError when the channel has used up its nonces.
        """
        size = sum(map(len, parts))
        count = -(-size // MAX_PLAINTEXT)
        if self._nonce + count > MAX_NONCE:
            raise LocalProtocolError("this Noise channel has used up its nonces")
        sealed = bytearray(size + count * (_LENGTH.size + TAG_SIZE))
        target = memoryview(sealed)
        at = 0
        for plaintext in _plaintexts(parts):
            length = len(plaintext) + TAG_SIZE
            _LENGTH.pack_into(sealed, at, length)
            at += _LENGTH.size
            self._cipher.encrypt_into(_NONCE.pack(self._nonce), plaintext, None, target[at : at + length])
            self._nonce += 1
            at += length
        return sealed


class Decryptor:
    """Opens what the peer sent."""

    def __init__(self, key: bytes, nonce: int = 0) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._nonce = nonce
        self._unfinished = b""

    @property
    def is_between_messages(self) -> bool:
        """Whether the bytes so far end where a message ends, so that an end of file here cuts nothing."""
        return not self._unfinished

    def receive_data(self, data: bytes) -> list[Buffer]:
        """Takes bytes from the wire, cut anywhere; gives the plaintext of the messages complete by now, in pieces.

        No piece is empty, and none holds more than OPENED_TOGETHER messages.

        Raises RemoteProtocolError for a message that is too short to hold its tag or fails authentication;
        nothing that comes after it can be read, so the connection is over.
        """
        plaintexts: list[Buffer] = []
        source = memoryview(data)
        if self._unfinished:  # is put together by itself, so that what follows it isn't copied
            lacking = self._lacking(source)
            first = self._unfinished + source[:lacking]
            self._unfinished = first[self._open_whole(memoryview(first), plaintexts) :]
            if self._unfinished:
                return plaintexts
            source = source[lacking:]
        at = self._open_whole(source, plaintexts)
        self._unfinished = bytes(source[at:])
        return plaintexts

    def _lacking(self, source: memoryview) -> int:
        """How much of `source` belongs to the message that is unfinished: more than there is if it stays so."""
        start = (self._unfinished + source[: _LENGTH.size])[: _LENGTH.size]
        if len(start) < _LENGTH.size:
            return _LENGTH.size
        length: int = _LENGTH.unpack(start)[0]
        return _LENGTH.size + length - len(self._unfinished)

    def _open_whole(self, source: memoryview, plaintexts: list[Buffer]) -> int:
        """Opens the messages that are whole; where the next one begins."""
        at, end = 0, len(source)
        messages: list[memoryview] = []
        while end - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(source, at)
            if length < TAG_SIZE:
                raise RemoteProtocolError(f"a Noise message of {length} bytes is shorter than its tag")
            stop = at + _LENGTH.size + length
            if stop > end:
                break
            messages.append(source[at + _LENGTH.size : stop])
            at = stop
        groups = (messages[first : first + OPENED_TOGETHER] for first in range(0, len(messages), OPENED_TOGETHER))
        plaintexts += filter(None, map(self._open, groups))
        return at

    def _open(self, messages: list[memoryview]) -> memoryview:
        """The plaintexts of messages in a row."""
        if self._nonce + len(messages) > MAX_NONCE:
            raise RemoteProtocolError("the peer has used up the nonces of this Noise channel")
        opened = memoryview(bytearray(sum(map(len, messages)) - TAG_SIZE * len(messages)))
        at = 0
        try:
            for message in messages:
                end = at + len(message) - TAG_SIZE
                self._cipher.decrypt_into(_NONCE.pack(self._nonce), message, None, opened[at:end])
                self._nonce += 1
                at = end
        except InvalidTag:
            raise RemoteProtocolError("a Noise message failed authentication") from None
        return opened.toreadonly()


def _plaintexts(parts: Iterable[Buffer]) -> Iterator[Buffer]:
    """The parts in a row, cut into what one message holds."""
    gathered: list[memoryview] = []
    room = MAX_PLAINTEXT
    for part in parts:
        rest = memoryview(part)
        while rest:
            gathered.append(rest[:room])
            rest = rest[room:]
            room -= len(gathered[-1])
            if not room:
                yield gathered[0] if len(gathered) == 1 else b"".join(gathered)
                gathered, room = [], MAX_PLAINTEXT
    if gathered:
        yield b"".join(gathered)
