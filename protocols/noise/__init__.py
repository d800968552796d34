"""The transport phase of the Noise channel `/noise`: plaintext to encrypted messages and back, in batches."""

from __future__ import annotations

from protocols.noise.transport import MAX_MESSAGE, MAX_PLAINTEXT, TAG_SIZE, Decryptor, Encryptor

__all__ = ["MAX_MESSAGE", "MAX_PLAINTEXT", "TAG_SIZE", "Decryptor", "Encryptor"]
