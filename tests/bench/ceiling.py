"""What this machine could do at best: the speeds of what nobody can leave out who receives a file, one after the other.

For each byte the receiver takes it from a TCP socket, opens its Noise message, hashes its chunk and writes it; a
receiver that did nothing else on one core would be as fast as `bytes_per_second()`. Measured with the same libraries.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tests.bench.ground import MIB, warm_pages

SIZE = 512 * MIB
MESSAGE = 65_519
"""The plaintext of a full Noise message."""

READ_SIZE = 256 * 1024

_SEND = """
import socket, sys
stream = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
block, left = bytes(1 << 18), int(sys.argv[2])
while left:
    left -= stream.send(block[:left])
"""


def bytes_per_second(folder: Path) -> float:
    """All four in a row for the same bytes."""
    return SIZE / (_receive_s() + _open_s() + _hash_s() + _write_s(folder))


def _receive_s() -> float:
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [sys.executable, "-c", _SEND, str(server.getsockname()[1]), str(SIZE)]
        with subprocess.Popen(arguments), server.accept()[0] as stream:
            buffer = bytearray(READ_SIZE)
            start = time.perf_counter()
            while stream.recv_into(buffer):
                pass
            return time.perf_counter() - start


def _open_s() -> float:
    cipher = ChaCha20Poly1305(bytes(32))
    nonce = bytes(12)
    sealed = cipher.encrypt(nonce, bytes(MESSAGE), b"")
    start = time.perf_counter()
    for _ in range(SIZE // MESSAGE):
        cipher.decrypt(nonce, sealed, b"")
    return time.perf_counter() - start


def _hash_s() -> float:
    chunk = bytes(MIB)
    start = time.perf_counter()
    for _ in range(SIZE // MIB):
        hashlib.sha256(chunk).digest()
    return time.perf_counter() - start


def _write_s(folder: Path) -> float:
    chunk = bytes(MIB)
    target = folder / "ceiling"
    target.mkdir()
    with warm_pages(folder / "ceiling-ballast", target, SIZE), (target / "file").open("wb", buffering=0) as file:
        start = time.perf_counter()
        for offset in range(0, SIZE, MIB):
            os.pwrite(file.fileno(), chunk, offset)
        seconds = time.perf_counter() - start
    (target / "file").unlink()
    target.rmdir()
    return seconds
