"""The command that finds files by name, and stops doing so: search."""

from __future__ import annotations

import time

from node.commands.context import Context, decode, mapping
from node.errors import ExitCode, UsageError
from node.status import SearchStatus, to_json
from node.ui.progress import Progress
from node.ui.search_screen import asked_sentence, search_results, under_way
from node.ui.units import count


def search(context: Context) -> int:
    """Search, and show what was found; the code is NOT_FOUND if nothing was."""
    arguments = context.arguments
    text = " ".join(arguments.text)
    if arguments.stop:
        return _stop(context, text)
    if not text:
        raise UsageError("what to search for? like: search linux")
    if arguments.local and arguments.peers:
        raise UsageError("--local asks nobody, --peers asks the connected peers: say one of them")
    scope = "local" if arguments.local else "peers" if arguments.peers else "all"
    params: dict[str, object] = {"text": text, "scope": scope}
    if arguments.timeout is not None:
        params["patience_s"] = arguments.timeout
    sink = context.output.progress()
    shown: set[int] = set()

    def show(value: dict[str, object]) -> None:
        now = decode(SearchStatus, value)
        if context.output.json:
            _tell_new(context, now, shown)
        elif now.asked and not context.output.live(search_results(now, is_final=False)):
            replied = sum(asked.reply != "waiting" for asked in now.asked)
            percent = replied * 100 // max(len(now.asked), 1)
            sink.show(Progress(text, 0, 0, percent, 0.0, None, under_way(now)), time.monotonic())

    found = decode(SearchStatus, mapping(context.call("search", timeout_s=None, on_progress=show, **params)))
    if context.output.json:
        _tell_new(context, found, shown)
    context.output.screens(map(to_json, found.hits), search_results(found))
    if not found.hits:
        asked = "" if context.output.terminal else f"; the search {asked_sentence(found)}"  # there the screen has it
        context.output.failure(ExitCode.NOT_FOUND, f"nothing found{asked}")
        return ExitCode.NOT_FOUND
    took = f"{found.seconds:.1f} s" if found.seconds >= 0.1 else "less than 0.1 s"
    how = "was stopped after" if found.is_stopped else "took"
    context.output.note(f"The search {how} {took}; it {asked_sentence(found)}.")
    return ExitCode.OK


def _stop(context: Context, text: str) -> int:
    """Stop the newest search that goes on, whoever began it."""
    if text:
        raise UsageError("--stop stops the search that goes on, and takes no words")
    search = decode(SearchStatus, mapping(context.call("search_stop")))
    sentence = f'Stopped the search for "{search.text}"; {count(len(search.hits), "hit")} found'
    context.output.answer(to_json(search), [sentence])
    return ExitCode.OK


def _tell_new(context: Context, search: SearchStatus, shown: set[int]) -> None:
    """One event for what was found since the last one, and whom this came from."""
    fields = to_json(search)
    fields["hits"] = [to_json(hit) for hit in search.hits if hit.number not in shown]
    shown.update(hit.number for hit in search.hits)
    context.output.event("progress", fields)
