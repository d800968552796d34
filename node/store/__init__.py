"""Bytes at rest: shares served in place, partial files, and the one sqlite database.

Rules: everything here is synchronous and meant for worker threads; nothing here knows trio, libp2p or a peer session.
Hash before disk, disk before bitfield, name before path. What fails is a `StorageError` with a sentence for a person.
"""
