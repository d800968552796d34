"""What lies over a screen: questions, the box of a node that doesn't answer, and what a command printed. Pure."""

from __future__ import annotations

from node.ui.frame import Line, Span, fill, fit, gated, overlay, ruled
from node.ui.keymap import shown
from node.ui.model import Answer, Dialog, Model, Reach
from node.ui.rows import window
from node.ui.text import cells, clip
from node.ui.units import duration

BOX = 48
NARROW = 24
KEY = 4


def over(model: Model, body: list[Line], width: int) -> list[Line]:
    """The body with whatever lies over it."""
    if model.answer is not None:
        return _answer(model.answer, width, len(body))
    if model.dialog is not None:
        return _boxed(body, model.dialog.title, _question(model.dialog, len(body) - 2), width)
    if model.contact.reach is Reach.OFFLINE and not model.contact.is_starting:
        return _boxed(body, "", _offline(model), width)
    return body


def _question(dialog: Dialog, height: int) -> list[list[Span]]:
    """The dialog's lines and choices; of more choices than have room, those around the one that is lit."""
    choices: list[list[Span]] = []
    for place in window(len(dialog.choices), max(dialog.place, 0), height - len(dialog.lines)):
        each = dialog.choices[place]
        mark = "" if dialog.place < 0 else ">" if place == dialog.place else " "
        style = "select" if place == dialog.place else "text"
        default: list[Span] = [("   (default)", "dim")] if each.key == dialog.default else []
        choices.append([(mark + shown(each.key).ljust(KEY), "key"), (each.words, style), *default])
    return [*([(line, "text")] for line in dialog.lines), *choices]


def _offline(model: Model) -> list[list[Span]]:
    contact = model.contact
    wait = max(contact.retry_at - model.now, 0.0)
    age = "" if model.age_s is None else f"data shown is {duration(model.age_s)} old; "
    keys: list[Span] = [("r", "key"), (" retry now   ", "text"), ("S", "key"), (" start the node   ", "text")]
    return [
        [("The node is not answering", "error")],
        [(contact.reason, "dim")],
        [(f"{age}retry in {wait:.0f} s (#{contact.attempt})", "text")],
        [*keys, ("q", "key"), (" leave", "text")],
    ]


def _boxed(body: list[Line], title: str, rows: list[list[Span]], width: int) -> list[Line]:
    longest = max((sum(cells(gated(text)) for text, _ in row) for row in rows), default=0)
    inner = min(max(BOX - 2, longest + 4), width - 2)
    if inner < 1 or not body:
        return body
    words = f"─ {clip(gated(title), inner - 4)} " if title and inner > 6 else ""
    margin = "  " if inner > NARROW else ""
    sides = ("│", "rule")
    inside = ((sides, *fit([(margin, "text"), *row], inner), sides) for row in rows)
    box = [_edge("╭", words, "╮", inner), *inside, _edge("╰", "", "╯", inner)]
    top = max((len(body) - len(box)) // 2, 0)
    return overlay(body, box[: len(body)], top, (width - inner - 2) // 2, width)


def _edge(left: str, words: str, right: str, inner: int) -> Line:
    return ((left, "rule"), (words, "title"), ("─" * (inner - cells(words)), "rule"), (right, "rule"))


def _answer(answer: Answer, width: int, height: int) -> list[Line]:
    shown = answer.lines[answer.offset :]
    return fill(
        [ruled(answer.title, width), *(fit([(f" {line}", "text")], width) for line in shown[: max(height - 1, 0)])],
        width,
        height,
    )
