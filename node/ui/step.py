"""What an action gives back, and the sentences in the status line. Pure."""

from __future__ import annotations

from dataclasses import replace

from node.ui.messages import Effect
from node.ui.model import TOAST_S, Model, Toast

Step = tuple[Model, tuple[Effect, ...]]


def say(model: Model, text: str, *, is_error: bool = False) -> Model:
    """The model with a sentence in its status line."""
    return replace(model, toast=Toast(text, is_error, float("inf") if is_error else model.now + TOAST_S))


def refuse_offline(model: Model) -> Model:
    """Say that nothing can be asked for now."""
    return say(model, "not connected: commands are refused, nothing is queued", is_error=True)
