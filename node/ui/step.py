"""What an action gives back, and the sentences in the status line. Pure."""

from __future__ import annotations

from dataclasses import replace

from node.ui.messages import Effect
from node.ui.model import REMARKS, TOAST_S, Model, Remark, Toast

Step = tuple[Model, tuple[Effect, ...]]


def say(model: Model, text: str, *, is_error: bool = False) -> Model:
    """The model with a sentence in its status line, which the Log screen keeps."""
    remarks = (*model.data.remarks, Remark(model.wall, text, is_error))[-REMARKS:]
    toast = Toast(text, is_error, float("inf") if is_error else model.now + TOAST_S)
    return replace(model, toast=toast, data=replace(model.data, remarks=remarks))


def refuse_offline(model: Model) -> Model:
    """Say that nothing can be asked for now."""
    return say(model, "not connected: commands are refused, nothing is queued", is_error=True)
