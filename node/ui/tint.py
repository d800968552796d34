"""The colours of what isn't the full screen: listings, cards, the progress line. Pure.

Rules: text is laid out first and coloured last, so that no width counts an escape sequence; the plain tint returns the
text as it is. Colour is never the only signal: what is coloured is a word that says the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from node.status import HitState, TransferState
from node.ui.capabilities import ColourMode, colour_count
from node.ui.text import clip_end

Spans = Iterable[tuple[str, str]]
"""Text in pieces, each with the name of its style; "" for none."""

NORMAL = "\x1b[m"

_STATUS = "Status"
_STATUS_STYLES: Mapping[str, str] = {
    TransferState.DOWNLOADING: "down",
    TransferState.SEEDING: "up",
    TransferState.COMPLETE: "ok",
    TransferState.PAUSED: "dim",
    TransferState.STALLED: "warn",
    TransferState.VERIFYING: "flight",
    TransferState.ERROR: "error",
    HitState.AVAILABLE: "ok",
    HitState.UNVERIFIED: "warn",
    HitState.FALSE: "error",
}
"""The dashboard's own for the same states."""


class Tint:
    """Puts a theme's styles around text."""

    def __init__(self, sequences: Mapping[str, str]) -> None:
        """`sequences` by the style's name, as `theme.style_sequences` has them; empty for no colours at all."""
        self._sequences = sequences

    def __call__(self, text: str, style: str) -> str:
        """The text in its style, its blanks outside."""
        sequence = self._sequences.get(style, NORMAL)
        words = text.strip(" ")
        if sequence == NORMAL or not words:
            return text
        before, after = text.split(words, 1)
        return f"{before}{sequence}{words}{NORMAL}{after}"

    def line(self, spans: Spans, width: int) -> str:
        """The pieces as one line of at most `width` cells."""
        pieces = tuple(spans)
        left = clip_end("".join(text for text, _ in pieces), width)
        coloured = []
        for text, style in pieces:
            coloured.append(self(left[: len(text)], style))
            left = left[len(text) :]
        return "".join(coloured)


PLAIN = Tint({})


def tint_for(environ: Mapping[str, str], theme: str = "") -> Tint:
    """A theme's colours for the terminal that the environment tells of, whatever NO_COLOR says."""
    from node.ui.theme import THEMES, style_sequences  # here because most output isn't coloured

    colours = colour_count(environ, ColourMode.ALWAYS)
    return Tint(style_sequences(theme if theme in THEMES else THEMES[0], colours))


def style_of(heading: str, text: str) -> str:
    """The style of a value under a heading: that of the state which it begins with."""
    return _STATUS_STYLES.get(text.strip().partition(" ")[0], "") if heading == _STATUS else ""
