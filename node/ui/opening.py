"""The dashboard's first frame, drawn before anything else is loaded: a person shall see something at once.

Rules: nothing slow is imported here, neither the loop nor blessed, and nothing is waited for, neither the node nor the
terminal. What the tasks need to go on from here is an `Opening`.
"""

from __future__ import annotations

from dataclasses import dataclass

from node.ui.diff import encode
from node.ui.frame import Frame
from node.ui.model import Model
from node.ui.terminal import Terminal
from node.ui.theme import style_sequences
from node.ui.view import view


@dataclass(frozen=True, slots=True)
class Opening:
    """A model, and the frame of it that the terminal shows."""

    model: Model
    painted: Frame


def paint(terminal: Terminal, model: Model) -> Opening:
    """Show the model on a terminal that has just become the dashboard's."""
    frame = view(model)
    styles = style_sequences(model.theme, terminal.colours)
    terminal.write_now(encode(None, frame, styles, is_ascii=model.is_ascii))
    return Opening(model, frame)
