"""The messages of a search as DAG-CBOR maps, and back; the tables are those of SPEC.md section 4.

Rules: one table per message says its fields and their types. Keys that aren't in it are a newer version's and are
ignored, whatever CIDs are in them; everything else that isn't exactly as in the table is a RemoteProtocolError.
"""

from __future__ import annotations

from typing import Any, Final

from protocols import dag_cbor
from protocols.cid import Cid, CidError
from protocols.errors import LocalProtocolError, RemoteProtocolError
from protocols.search import limits
from protocols.search.messages import End, Hit, Hits, Outcome, Query

_LIMITS: Final = dag_cbor.Limits(size=limits.MAX_FRAME, depth=8, items=4096)  # 50 hits of 20 values, four times


class _Link(bytes):
    """What a link names, not looked at yet."""


_QUERY: Final = {"text": str, "limit": int}
_HIT: Final = {"cid": _Link, "name": str, "size": int, "files": int, "own": bool, "peers": list}


def encode(message: Query | Hits | End) -> bytes:
    """The payload of a message."""
    if isinstance(message, Query):
        return dag_cbor.encode({"text": message.text, "limit": message.limit})
    if isinstance(message, Hits):
        return dag_cbor.encode({"hits": [_hit_tree(hit) for hit in message.hits]})
    return dag_cbor.encode({"end": int(message.outcome)})


def decode_query(payload: bytes) -> Query:
    """The query of a payload; raises RemoteProtocolError."""
    tree = _checked(dag_cbor.decode(payload, _LIMITS, "The query", _Link), _QUERY, "query")
    try:
        return Query(tree["text"], tree["limit"])
    except LocalProtocolError as error:
        raise RemoteProtocolError(str(error)) from error


def decode_answer(payload: bytes) -> Hits | End:
    """One message of an answer; raises RemoteProtocolError."""
    tree = dag_cbor.decode(payload, _LIMITS, "The answer", _Link)
    if isinstance(tree, dict) and "end" in tree:
        return End(Outcome(_checked(tree, {"end": int}, "end")["end"]))
    hits = _checked(tree, {"hits": list}, "answer")["hits"]
    try:
        return Hits(tuple(map(_hit, hits)))
    except LocalProtocolError as error:
        raise RemoteProtocolError(str(error)) from error


def _hit_tree(hit: Hit) -> dict[str, Any]:
    return {
        "cid": hit.cid,
        "name": hit.name,
        "size": hit.size,
        "files": hit.files,
        "own": hit.is_own,
        "peers": list(hit.publishers),
    }


def _hit(tree: object) -> Hit:
    fields = _checked(tree, _HIT, "hit")
    if not all(isinstance(peer, str) for peer in fields["peers"]):
        raise RemoteProtocolError("a hit names a peer by something else than text")
    try:
        cid = Cid.from_bytes(fields["cid"])
    except CidError as error:
        raise RemoteProtocolError(str(error)) from error
    return Hit(cid, fields["name"], fields["size"], fields["files"], fields["own"], tuple(fields["peers"]))


def _checked(tree: object, fields: dict[str, type], what: str) -> dict[str, Any]:
    """A map with at least these keys, each of exactly this type: to Python a boolean would be an integer."""
    if not isinstance(tree, dict):
        raise RemoteProtocolError(f"a {what} is not a map")
    for key, kind in fields.items():
        if type(tree.get(key)) is not kind:
            raise RemoteProtocolError(f"a {what} has no '{key}', or it is of a wrong type")
    return tree
