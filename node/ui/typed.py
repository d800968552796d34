"""From tokens to the dashboard's messages: a key by its name, a paste, a click, the focus. Pure but for the names."""

from __future__ import annotations

from collections.abc import Callable

from node.ui.keys import Character, Clicked, CursorAt, Focused, Pasted, Sequence, Token, character_key
from node.ui.messages import Focus, Key, Mouse, Msg, Paste, WideGlyphs

_BUTTONS = {0: "click", 64: "wheel-up", 65: "wheel-down"}

ONE_GLYPH_ON = 3
"""Where the cursor is after one glyph that was drawn two cells wide, in the terminal's own count."""


def message_of(token: Token, name: Callable[[Sequence], str], now: float, *, reports_focus: bool) -> Msg | None:
    """What the token tells the dashboard, if anything; `name` names a key's sequence, "" if it is none."""
    match token:
        case Character(text):
            key = character_key(text)
            return Key("space" if key == " " else key) if key else None
        case Focused(_, is_here) if reports_focus:
            return Focus(is_here)
        case Sequence(text) | Focused(text, _):
            key = name(Sequence(text))
            return Key(key) if key else None
        case Pasted(text):
            return Paste(text)
        case Clicked(button, x, y, True) if button in _BUTTONS:
            return Mouse(_BUTTONS[button], x, y, now)
        case CursorAt(1, column) if column == ONE_GLYPH_ON:
            return WideGlyphs()
        case _:
            return None
