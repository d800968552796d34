"""The commands that choose how files are treated: limit, priority.

Rules: as in `transfers`. Without anything to change a command tells how things are.
"""

from __future__ import annotations

import argparse

from node.commands.context import ANSWER_TIMEOUT_S, Context, decode, mapping, not_understood
from node.commands.rates import rate
from node.errors import ExitCode, UsageError
from node.status import DetailStatus, ItemStatus, to_json
from node.ui import units
from node.ui.screens import file_priorities

_WAYS = ("up", "down")


def limit(context: Context) -> int:
    """Change, or only tell, the bandwidth limits of the node or of one file."""
    arguments = context.arguments
    _take_words(arguments)
    given = {"up_bps": arguments.up, "down_bps": arguments.down}
    params = {name: said.bps for name, said in given.items() if said is not None}
    target = {} if arguments.target is None else {"target": context.target}
    result = mapping(context.call("limit", timeout_s=ANSWER_TIMEOUT_S, on_progress=None, **target, **params))
    if arguments.target is None:
        what = "Node"
        up_bps, down_bps = (_bps(result.get(name)) for name in ("up_limit_bps", "down_limit_bps"))
    else:
        item = decode(ItemStatus, result)
        what, up_bps, down_bps = f"#{item.number} {item.name}", item.up_limit_bps, item.down_limit_bps
    sentence = f"{what}: up {units.limit(up_bps)}, down {units.limit(down_bps)}"
    context.output.answer(result, [sentence], (_value(up_bps), _value(down_bps)))
    return ExitCode.OK


def priority(context: Context) -> int:
    """Change which files of a download are wanted and how much, or only tell it."""
    arguments = context.arguments
    params: dict[str, object] = {"target": context.target}
    if arguments.level is not None:
        params |= {"priority": arguments.level, "files": arguments.files}
    if arguments.sequential or arguments.rarest_first:
        params["sequential"] = arguments.sequential
    if len(params) > 1:
        result = mapping(context.call("priority", timeout_s=ANSWER_TIMEOUT_S, on_progress=None, **params))
        context.output.answer(result, [_chosen(decode(ItemStatus, result))])
        return ExitCode.OK
    detail = decode(DetailStatus, context.call("info", target=context.target, cells=1))
    context.output.screens([to_json(detail)], file_priorities(detail))
    return ExitCode.OK


def _take_words(arguments: argparse.Namespace) -> None:
    """Read `limit down 2MB` and `limit 1 up off` as the options that say the same; raises UsageError."""
    words = [] if arguments.target is None else [arguments.target, *arguments.words]
    if not arguments.words and arguments.target not in _WAYS:
        return
    *target, way, amount = words if len(words) > 1 else ("", "", "")
    if way not in _WAYS or len(target) > 1:
        raise UsageError("that isn't understood; a limit is: limit [<#>] up|down <rate>, or: limit [<#>] up|down off")
    try:
        setattr(arguments, way, rate(amount))
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error)) from error
    arguments.target = target[0] if target else None


def _chosen(item: ItemStatus) -> str:
    order = "from the beginning to the end" if item.sequential else "rarest first"
    wanted = f"{item.files - item.skipped_files} of {units.count(item.files, 'file')}"
    return f"#{item.number} {item.name}: {wanted}, {units.size(item.wanted_bytes)}, {order}"


def _bps(value: object) -> float | None:
    if value is None or isinstance(value, float | int):
        return value
    raise not_understood()


def _value(bps: float | None) -> str:
    return "off" if bps is None else f"{bps:.0f}"
