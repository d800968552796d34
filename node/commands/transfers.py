"""The commands that do something to files: share, get, verify, stop, cancel, pause, resume.

Rules: paths are made absolute here, because the node runs in another folder; an answer always names what it was
about. Each command returns its exit code.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from node.commands.context import Context, absolute, decode, decode_list, mapping, not_understood
from node.errors import AmbiguousError, ExitCode, NotFoundError, ShoalError, UsageError
from node.status import DetailStatus, ItemStatus, TransferState, to_json
from node.ui.progress import ProgressSink, of_item, of_work
from node.ui.screens import downloading
from node.ui.units import count, percent, size

PAUSE_TIMEOUT_S = 5.0
"""How long Ctrl-C waits for the node to take note; the person wants their prompt back."""

CANDIDATES_NAMED = 5
"""Files that a sentence lists when a command could mean any of them."""

BAD_CHUNKS_NAMED = 10
"""Bad chunks that a sentence names; JSON has them all."""


def share(context: Context) -> int:
    """Share each path; one that fails doesn't stop the others. The code is the error's if there is but one path."""
    codes = [_share_one(context, path) for path in context.arguments.paths]
    if len(codes) == 1:
        return codes[0]
    return ExitCode.FAILED if any(codes) else ExitCode.OK


def get(context: Context) -> int:
    """Download, and wait for it unless told not to; Ctrl-C pauses it and says how to go on."""
    arguments = context.arguments
    params: dict[str, object] = {
        "target": context.target,
        "directory": absolute("." if arguments.output is None else arguments.output),
        "wait": not arguments.detach,
    }
    if arguments.timeout is not None:
        params["patience_s"] = arguments.timeout
    if arguments.output is not None:
        params["elsewhere_is_wrong"] = True
    if arguments.only:
        params["only"] = arguments.only
    if arguments.sequential:
        params["sequential"] = True
    if peer := _chosen_peer(arguments.chosen, arguments.peer):
        params["from"] = peer
    sink = context.output.progress()
    newest: list[ItemStatus] = []

    def show(value: dict[str, object]) -> None:
        newest[:] = [decode(ItemStatus, value)]
        sink.show(of_item(newest[0]), time.monotonic())

    try:
        result = context.call("get", timeout_s=None, on_progress=None if arguments.detach else show, **params)
    except KeyboardInterrupt:
        return _pause_for_interrupt(context, newest[0] if newest else None)
    item = decode(ItemStatus, result)
    arguments.target = item.cid  # the number may have been a hit's; what `pause` alone means from now on is this file
    if not arguments.detach and newest:
        sink.show(of_item(item), time.monotonic())
    _answer_get(context, item, mapping(result))
    return ExitCode.OK


def _chosen_peer(words: list[str], option: str | None) -> str | None:
    """The peer of `download 1 from 192.168.1.10`, or of `--from`."""
    if not words:
        return option
    if len(words) != 2 or words[0].casefold() != "from" or option is not None:
        raise UsageError("that isn't understood; a download is: download <#>, or: download <#> from <peer>")
    return words[1]


def verify(context: Context) -> int:
    """Hash everything again; the code is 1 if a chunk is bad."""
    sink = context.output.progress()
    show = _work_shown(sink, context.target)
    result = mapping(context.call("verify", timeout_s=None, on_progress=show, target=context.target))
    item = decode(ItemStatus, result.get("item"))
    bad, checked = result.get("bad_chunks"), result.get("checked")
    if not isinstance(bad, list) or not isinstance(checked, int):
        raise not_understood()
    sink.finish()
    if not bad:
        context.output.answer(result, [f"{_named(item)}: {count(checked, 'chunk')} checked, every one as it should be"])
        return ExitCode.OK
    more = ", …" if len(bad) > BAD_CHUNKS_NAMED else ""
    numbers = ", ".join(str(number) for number in bad[:BAD_CHUNKS_NAMED])
    sentence = f"{_named(item)}: {len(bad)} of {count(checked, 'chunk')} bad: {numbers}{more}"
    context.output.answer(result, [sentence])
    context.output.failure(ExitCode.FAILED, f"{item.name} {_why_bad(item)}")
    return ExitCode.FAILED


def _why_bad(item: ItemStatus) -> str:
    """What is wrong with what was just verified, and what mends it."""
    return f"is damaged: {item.reason}" if item.reason else "isn't what was shared; what is bad is fetched again"


def stop(context: Context) -> int:
    """Stop sharing or fetching; the files stay where they are."""
    return _act(context, "stop", lambda item: f"Stopped {_named(item)}; what is on disk stays there")


def cancel(context: Context) -> int:
    """Give a file up; what was fetched of it is kept or deleted as was said, or as is answered on a terminal."""
    target = _meant(context, "cancel")
    arguments = context.arguments
    item = decode(DetailStatus, context.call("info", target=target, cells=1, files=False)).item
    delete = arguments.delete
    if not delete and not arguments.keep and not context.is_line and item.path and _is_partial(item):
        fetched = f"{size(item.bytes_have)} of {_named(item)} are fetched"
        if item.skipped_files:
            fetched += ", files in their place among them"
        answer = context.output.ask(f"{fetched}. Cancel, and [k]eep or [d]elete them? [k/d/N]")
        if answer is not None and answer.casefold() not in _KEEP_OR_DELETE:
            context.output.note(f"{_named(item)} is not cancelled")
            return ExitCode.FAILED
        delete = answer is not None and _KEEP_OR_DELETE[answer.casefold()]
    result = mapping(context.call("cancel", timeout_s=None, on_progress=None, target=item.cid, delete=delete))
    item = decode(ItemStatus, result)
    context.output.answer(result, [f"Cancelled {_named(item)}; {_what_is_left(item, deleted=delete)}"])
    return ExitCode.OK


_KEEP_OR_DELETE = {"k": False, "keep": False, "d": True, "delete": True}
"""Whether what was fetched is deleted, by what is answered."""


def _is_partial(item: ItemStatus) -> bool:
    """Whether it is a download of which something is fetched; a damaged file in its place is none."""
    is_whole = item.state in (TransferState.SEEDING, TransferState.COMPLETE) or _is_in_place(item)
    return item.bytes_have > 0 and not is_whole


def _is_in_place(item: ItemStatus) -> bool:
    # The path ends with the folder as long as nobody knows what will be in it.
    return os.path.lexists(item.path) and bool(os.path.basename(item.path)) and not item.skipped_files


def _what_is_left(item: ItemStatus, *, deleted: bool) -> str:
    if _is_in_place(item) or (item.chunks_have == item.chunks and item.size):
        return f"the files stay where they are: {item.path}"
    if deleted or not item.bytes_have:
        return f"nothing of it is left{', but for files changed since' if item.skipped_files else ''}"
    folder = os.path.dirname(item.path)
    return f"{size(item.bytes_have)} are kept in {folder}, where get -o goes on from them"


def pause(context: Context) -> int:
    """Pause a download."""
    return _act(context, "pause", lambda item: f"Paused {_named(item)} at {percent(item.bytes_have, item.size)}%")


def resume(context: Context) -> int:
    """Let a paused download go on."""
    return _act(context, "resume", lambda item: f"Resumed {_named(item)}: {item.state}")


def _act(context: Context, method: str, sentence: Callable[[ItemStatus], str]) -> int:
    result = mapping(context.call(method, target=_meant(context, method)))
    context.output.answer(result, [sentence(decode(ItemStatus, result))])
    return ExitCode.OK


_ACTED_ON = {
    "pause": frozenset({TransferState.DOWNLOADING, TransferState.STALLED, TransferState.VERIFYING}),
    "resume": frozenset({TransferState.PAUSED, TransferState.ERROR}),
    "stop": frozenset({TransferState.DOWNLOADING, TransferState.STALLED, TransferState.VERIFYING}),
    "cancel": frozenset(
        {TransferState.DOWNLOADING, TransferState.STALLED, TransferState.VERIFYING, TransferState.PAUSED}
    ),
}
"""Which files are meant by a command without a file; a share is only stopped by its number."""


def _meant(context: Context, method: str) -> str:
    """The file that was named, else the one that is open or selected, else the only one that there is."""
    if context.arguments.target is not None:
        return context.target
    if context.current is not None:
        return context.current
    items = [row for row in decode_list(ItemStatus, context.call("list")) if row.state in _ACTED_ON[method]]
    if len(items) == 1:
        return items[0].cid
    if not items:
        raise NotFoundError(f"there is nothing to {method}; see: list")
    candidates = ", ".join(_named(item) for item in items[:CANDIDATES_NAMED])
    raise AmbiguousError(f"{len(items)} files could be meant: {candidates}; say which: {method} <#>")


def _share_one(context: Context, path: str) -> int:
    sink = context.output.progress()
    show = _work_shown(sink, path)
    try:
        result = mapping(context.call("share", timeout_s=None, on_progress=show, path=absolute(path)))
        item = decode(ItemStatus, result.get("item"))
    except ShoalError as error:
        context.output.error(error, path=path)
        return error.code
    sink.finish()
    verb = "Shared" if result.get("new") else "Already shared"
    what = f"{verb} {_named(item)}, {size(item.size)} in {count(item.files, 'file')}"
    context.output.answer(result, [what, f"CID:  {item.cid}", f"Link: {item.link}"], (item.cid, item.link, item.name))
    skipped = result.get("skipped")
    for name in skipped if isinstance(skipped, list) else []:
        context.output.note(f"skipped {name}")
    return ExitCode.OK


def _work_shown(sink: ProgressSink, name: str) -> Callable[[dict[str, object]], None]:
    """What to do with the progress of hashing: `name` until the node tells a better one."""
    start = time.monotonic()

    def show(value: dict[str, object]) -> None:
        done, total = value.get("done"), value.get("total")
        if isinstance(done, int) and isinstance(total, int):
            files_done, files = value.get("files_done"), value.get("files")
            now = time.monotonic()
            progress = of_work(str(value.get("name", name)), done, total, now - start)
            if isinstance(files_done, int) and isinstance(files, int):
                progress = replace(progress, files_done=files_done, files=files)
            sink.show(progress, now)

    return show


def _answer_get(context: Context, item: ItemStatus, result: dict[str, object]) -> None:
    output = context.output
    if context.arguments.print0:
        output.paths([item.path])
    elif context.is_line and item.state is not TransferState.SEEDING:
        output.screens([to_json(item)], downloading(item))
    elif context.arguments.detach:
        lines = [f"{_named(item)}: {item.state}"]
        is_named = item.name != item.cid  # else nobody knows yet where in the folder it will be
        output.answer(result, lines, (item.path if is_named else item.cid,))
        output.note(f"follow it with: shoal info {item.number}")
    else:
        skipped = f", {count(item.skipped_files, 'file')} skipped" if item.skipped_files else ""
        sentence = f"{_named(item)}, {size(item.wanted_bytes)}, verified: {item.path}{skipped}"
        output.answer(result, [sentence], (item.path,))


def _pause_for_interrupt(context: Context, item: ItemStatus | None) -> int:
    """Ctrl-C in `get`: nothing that was fetched is lost, and the person is told how to go on."""
    target = item.cid if item is not None else context.target
    name = f"#{item.number}" if item is not None else "it"
    again = f"shoal resume {item.number}" if item is not None else "shoal list"
    try:
        context.call("pause", timeout_s=PAUSE_TIMEOUT_S, target=target)
    except ShoalError as error:
        context.output.failure(ExitCode.INTERRUPTED, f"interrupted, but {name} isn't paused: {error}")
    else:
        context.output.failure(ExitCode.INTERRUPTED, f"interrupted, and {name} is paused; go on with: {again}")
    return ExitCode.INTERRUPTED


def _named(item: ItemStatus) -> str:
    return f"#{item.number} {item.name}"
