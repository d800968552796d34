"""The bottom line while something is typed, and what could be meant above it. Pure."""

from __future__ import annotations

from node.ui.completing import all_words, ghost, meaning
from node.ui.frame import Line, fit, gated
from node.ui.model import Model, Prompt, PromptKind
from node.ui.text import cells

SUGGESTED = 3


def prompt_line(model: Model, prompt: Prompt, width: int) -> tuple[Line, int]:
    """The line, how it might go on, and the cursor's column; a long one is scrolled so that the cursor is in sight."""
    room = max(width - 2, 1)
    before = gated(prompt.edit.text[: prompt.edit.cursor])
    while cells(before) > room:
        before = before[1:]
    after = gated(prompt.edit.text[prompt.edit.cursor :])
    rest = ghost(model, prompt)
    line = fit([(str(prompt.kind), "key"), (before, "text"), (after, "text"), (rest, "ghost")], width)
    return line, min(1 + cells(before), max(width - 1, 0))


def suggestions(model: Model, prompt: Prompt, width: int) -> list[Line]:
    """Up to `SUGGESTED` commands that begin as the line does, with how they are used, and what its number means."""
    if prompt.kind is not PromptKind.COMMAND:
        return []
    word, blank, _ = prompt.edit.text.lstrip(":").partition(" ")
    wanted = word.casefold()
    if not wanted:
        return []
    fitting = [
        command
        for command in all_words(model)
        if any(name == wanted if blank else name.startswith(wanted) for name in (command.name, *command.aliases))
    ]
    usages = (
        fit([(f" {command.usage}", "key"), (f"   {command.summary}", "dim")], width) for command in fitting[:SUGGESTED]
    )
    return [*usages, *(fit([(f" {sentence}", "ok")], width) for sentence in meaning(model, prompt.edit.text))]
