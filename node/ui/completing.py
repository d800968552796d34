"""What the prompt knows of a line while it is typed: its commands, what may come next, and what is meant. Pure.

Rules: nothing is shown as meant that the node could take for something else: where a number is a hit of the search and
a row too, both are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from node.status import PeerStatus
from node.ui.model import CommandWord, Model, Prompt, PromptKind, item_of
from node.ui.rows import PEER_SORTS, SORTS
from node.ui.theme import THEMES
from node.ui.units import count, rate_fixed, size_fixed
from node.ui.words import meant

WORDS = (
    CommandWord("list", "list", "the files of this node", ("ls", "l")),
    CommandWord("info", "info <#>", "details of one file"),
    CommandWord("peers", "peers [<#>]", "who shares a file"),
    CommandWord("uploads", "uploads", "what this node seeds"),
    CommandWord("search", "search <text>", "find files; --local or --peers keep it from the DHT"),
    CommandWord("log", "log", "the node's log"),
    CommandWord("net", "net", "the DHT and the connections", ("network", "status")),
    CommandWord("sort", "sort <column>", "sort the rows: " + ", ".join(SORTS)),
    CommandWord("filter", "filter [<text>]", "show only some rows"),
    CommandWord("theme", "theme <name>", "colours: " + ", ".join(THEMES)),
    CommandWord("help", "help", "all keys", ("h", "?")),
    CommandWord("quit", "quit", "leave the dashboard", ("q", "exit")),
)
"""The commands that only change the screen."""


def all_words(model: Model) -> tuple[CommandWord, ...]:
    """The commands of the screen and those of the command table."""
    own = {command.name for command in WORDS}
    return (*WORDS, *(command for command in model.commands if command.name not in own))


def complete(model: Model, text: str) -> str:
    """The line with its last word completed as far as it is clear."""
    *before, begun = text.lstrip(":").split(" ")
    names = [word for word in _candidates(model, before) if word.startswith(begun.casefold() if not before else begun)]
    if not names:
        return text
    first, last = min(names), max(names)
    shared = next((n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    end = " " if len(set(names)) == 1 else ""
    return " ".join((*before, first[:shared] + end))


def ghost(model: Model, prompt: Prompt) -> str:
    """How the newest line of the history goes on that begins like this one; "" where there is none."""
    text = prompt.edit.text
    if prompt.kind is not PromptKind.COMMAND or not text or prompt.edit.cursor < len(text):
        return ""
    return next((line[len(text) :] for line in reversed(model.history) if line.startswith(text) and line != text), "")


def meaning(model: Model, text: str) -> list[str]:
    """What a number in the line stands for, or whom a download can be had from, in sentences."""
    words = text.lstrip(":").split()
    command = meant(words[0], all_words(model)) if len(words) > 1 else ""
    if isinstance(command, str) or not _takes_file(command):
        return []
    number = words[1].removeprefix("#")
    found = [_hit(model, number)] if command.name == "get" else []
    found.append(_row(model, number))
    if command.name == "get" and "from" in words:
        found.append("   ".join(_source(peer) for peer in known_peers(model, number)))
    return [sentence for sentence in found if sentence]


def known_peers(model: Model, number: str = "") -> Sequence[PeerStatus]:
    """The peers that the screens know: of the file of this number, else of whatever is shown."""
    detail, shown = model.shown.detail, model.shown
    of_file = item_of(model, shown.peers_of)
    if detail and number == str(detail.item.number):
        return detail.peers
    if number and (of_file is None or number != str(of_file.number)):
        return ()
    return shown.peers or (detail.peers if detail and not number else ())


def _candidates(model: Model, before: list[str]) -> Iterable[str]:
    """What the word after these may be."""
    if not before:
        return [command.name for command in all_words(model)]
    command = meant(before[0], all_words(model))
    if isinstance(command, str):
        return ()
    if before[-1].casefold() == "from" and command.name == "get":
        return [peer.address for peer in known_peers(model, before[1].removeprefix("#"))]
    if len(before) == 2 and command.name == "get":
        return ("from",)
    if len(before) > 1:
        return ()
    if command.name in _ARGUMENTS:
        return _ARGUMENTS[command.name](model)
    return _numbers(model, command) if _takes_file(command) else ()


def _numbers(model: Model, command: CommandWord) -> list[str]:
    hits = model.shown.search.hits if model.shown.search and command.name == "get" else ()
    return [*(str(hit.number) for hit in hits), *(str(item.number) for item in model.shown.items or ())]


_ARGUMENTS: Mapping[str, Callable[[Model], Iterable[str]]] = {
    "sort": lambda model: (*SORTS, *PEER_SORTS),
    "theme": lambda model: THEMES,
    "ban": lambda model: [peer.address for peer in known_peers(model) if "B" not in peer.flags],
    "unban": lambda model: [peer.address for peer in known_peers(model) if "b" in peer.flags.casefold()],
}


def _takes_file(command: CommandWord) -> bool:
    return any(word in command.usage for word in ("<#>", "TARGET", "LINK"))


def _row(model: Model, number: str) -> str:
    item = next((item for item in model.shown.items or () if str(item.number) == number), None)
    if item is None:
        return ""
    return f"→ #{item.number} {item.name}  {size_fixed(item.size)}  {count(item.peers_known, 'peer')}"


def _hit(model: Model, number: str) -> str:
    hits = model.shown.search.hits if model.shown.search else ()
    hit = next((hit for hit in hits if str(hit.number) == number), None)
    if hit is None:
        return ""
    return (
        f"→ hit {hit.number} {hit.name}  {size_fixed(hit.size)}  {count(hit.claimed, 'peer')}, right after the search"
    )


def _source(peer: PeerStatus) -> str:
    return f"{peer.address} {peer.chunks_have * 100 // max(peer.chunks, 1)}% {rate_fixed(peer.down_bps)}"
