"""The commands that only look: list, info, peers, uploads, status, log."""

from __future__ import annotations

import time

from node.commands.context import ANSWER_TIMEOUT_S, Context, decode, decode_list, mapping, not_understood
from node.errors import ExitCode
from node.status import DetailStatus, ItemStatus, NodeStatus, PeerStatus, TransferState, to_json
from node.ui.screens import (
    CHUNK_CELLS,
    FILES_LISTED,
    available_files,
    connections,
    downloading,
    file_details,
    is_uploaded,
    more_details,
    node_status,
    peers_sharing,
    uploading,
)


def list_files(context: Context) -> int:
    """What this node shares and fetches."""
    items = _wanted(context, decode_list(ItemStatus, context.call("list")))
    if context.arguments.print0:
        context.output.paths(item.path for item in items)
    else:
        context.output.screens(map(to_json, items), available_files(items))
    return ExitCode.OK


def uploads(context: Context) -> int:
    """What this node seeds."""
    items = _wanted(context, [item for item in decode_list(ItemStatus, context.call("list")) if is_uploaded(item)])
    if context.arguments.print0:
        context.output.paths(item.path for item in items)
    else:
        context.output.screens(map(to_json, items), uploading(items))
    return ExitCode.OK


def _wanted(context: Context, items: list[ItemStatus]) -> list[ItemStatus]:
    """The rows that were asked for, in their order, both as in the dashboard."""
    part = context.filter if context.arguments.filter is None else context.arguments.filter
    order = context.arguments.sort or context.sort
    if not part and not order:
        return items
    from node.ui.rows import SORTS, fits  # here because they load more than most lists need

    return sorted((item for item in items if fits(item, part.casefold())), key=SORTS[order or "number"])


def info(context: Context) -> int:
    """One file: its progress while it is fetched, the user's details, and everything to copy."""
    detail = decode(DetailStatus, context.call("info", target=context.target, cells=CHUNK_CELLS))
    if context.arguments.print0:
        context.output.paths([detail.item.path])
        return ExitCode.OK
    listed = FILES_LISTED if context.output.terminal else None
    screens = [file_details(detail), more_details(detail, time.time(), files_listed=listed)]
    if detail.item.state is TransferState.DOWNLOADING:
        screens.insert(0, downloading(detail.item))
    context.output.screens([to_json(detail)], *screens)
    return ExitCode.OK


def peers(context: Context) -> int:
    """Who shares one file or, without one, everybody that the node is connected to."""
    if context.arguments.target is None:
        everybody = decode_list(PeerStatus, context.call("peers"))
        context.output.screens(map(to_json, everybody), connections(everybody))
        return ExitCode.OK
    with context.connect() as client:
        rows = client.call("peers", {"target": context.target}, timeout_s=ANSWER_TIMEOUT_S)
        detail = client.call("info", {"target": context.target, "cells": 1}, timeout_s=ANSWER_TIMEOUT_S)
    sharing = decode_list(PeerStatus, rows)
    context.output.screens(map(to_json, sharing), peers_sharing(decode(DetailStatus, detail).item.name, sharing))
    return ExitCode.OK


def status(context: Context) -> int:
    """The node itself."""
    node = decode(NodeStatus, context.call("status"))
    context.output.screens([to_json(node)], node_status(node))
    return ExitCode.OK


def log(context: Context) -> int:
    """The last lines of the node's log."""
    result = mapping(context.call("log", lines=context.arguments.lines))
    lines = result.get("lines")
    if not isinstance(lines, list):
        raise not_understood()
    context.output.answer(result, [str(line) for line in lines])
    return ExitCode.OK
