"""The bottom line while something is typed, and what could be meant above it. Pure."""

from __future__ import annotations

from node.ui.frame import Line, fit, gated
from node.ui.model import Model, Prompt, PromptKind
from node.ui.prompting import all_words
from node.ui.text import cells

SUGGESTED = 3


def prompt_line(prompt: Prompt, width: int) -> tuple[Line, int]:
    """The line and the cursor's column; a long one is scrolled so that the cursor stays in sight."""
    room = max(width - 2, 1)
    before = gated(prompt.edit.text[: prompt.edit.cursor])
    while cells(before) > room:
        before = before[1:]
    after = gated(prompt.edit.text[prompt.edit.cursor :])
    line = fit([(str(prompt.kind), "key"), (before, "text"), (after, "text")], width)
    return line, min(1 + cells(before), max(width - 1, 0))


def suggestions(model: Model, prompt: Prompt, width: int) -> list[Line]:
    """Up to `SUGGESTED` commands that begin as the line does, with how they are used."""
    if prompt.kind is not PromptKind.COMMAND:
        return []
    word, blank, _ = prompt.edit.text.lstrip(":").partition(" ")
    wanted = word.casefold()
    if not wanted:
        return []
    fitting = [
        command
        for command in all_words(model)
        if (wanted in (command.name, *command.aliases) if blank else command.name.startswith(wanted))
    ]
    return [
        fit([(f" {command.usage}", "key"), (f"   {command.summary}", "dim")], width) for command in fitting[:SUGGESTED]
    ]
