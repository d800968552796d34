"""The commands about watched folders: watch, unwatch."""

from __future__ import annotations

from node.commands.context import Context, absolute, decode, decode_list, mapping
from node.errors import ExitCode
from node.status import WatchStatus, to_json
from node.ui.units import count
from node.ui.watch_screens import watched_folders


def watch(context: Context) -> int:
    """Watch a folder from now on or, without one, list those that are."""
    if context.arguments.directory is None:
        folders = decode_list(WatchStatus, context.call("watched"))
        if context.arguments.print0:
            context.output.paths(folder.path for folder in folders)
        else:
            context.output.screens(map(to_json, folders), watched_folders(folders))
        return ExitCode.OK
    result = mapping(context.call("watch", path=absolute(context.arguments.directory)))
    status = decode(WatchStatus, result)
    sentence = f"Watching {status.path}: every file in it is shared, now and as it appears"
    if context.arguments.print0:
        context.output.paths([status.path])
    else:
        context.output.answer(result, [sentence], (status.path,))
    return ExitCode.OK


def unwatch(context: Context) -> int:
    """Watch a folder no more."""
    arguments = context.arguments
    result = mapping(context.call("unwatch", path=absolute(arguments.directory), keep=arguments.keep))
    status = decode(WatchStatus, result)
    files = count(status.shared, "file")
    sentence = f"{files} of it stay shared" if arguments.keep else f"{files} of it are shared no more"
    context.output.answer(result, [f"Watching {status.path} no more; {sentence}"], (status.path,))
    return ExitCode.OK
