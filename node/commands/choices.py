"""The commands that choose how files are treated: limit, priority.

Rules: as in `transfers`. Without anything to change a command tells how things are.
"""

from __future__ import annotations

from node.commands.context import ANSWER_TIMEOUT_S, Context, decode, mapping, not_understood
from node.errors import ExitCode
from node.status import DetailStatus, ItemStatus, to_json
from node.ui import units
from node.ui.screens import file_priorities


def limit(context: Context) -> int:
    """Change, or only tell, the bandwidth limits of the node or of one file."""
    arguments = context.arguments
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
