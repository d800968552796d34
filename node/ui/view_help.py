"""Help: the key table, by what one wants to do. Pure."""

from __future__ import annotations

from node.ui.frame import Line, Span, blank, fill, fit, ruled
from node.ui.keymap import Binding, Group, bindings, places, shown
from node.ui.model import Model
from node.ui.text import pad

KEYS = 19
TWO_COLUMNS_FROM = 78

_NODE_HERE = {"leave": "leave; node ends"}
"""What keys do otherwise where the node is in the dashboard's process."""


def lines(model: Model, width: int, height: int) -> list[Line]:
    """The body: every key, those of this place bright."""
    title = ruled("Help  (/ searches, any other key closes)", width)
    groups = {group: _group(model, group) for group in Group}
    if width < TWO_COLUMNS_FROM:
        every = [line for group in Group for line in (*groups[group], [])]
        return fill([title, *(fit(spans, width) for spans in every)], width, height)
    half = width // 2
    left = [*groups[Group.MOVE], [], *groups[Group.FIND]]
    right = [*groups[Group.ACT], [], *groups[Group.OTHER]]
    count = max(len(left), len(right))
    padded = [side + [[]] * (count - len(side)) for side in (left, right)]
    both = ((*fit(one, half), *fit(other, width - half)) for one, other in zip(*padded, strict=True))
    return fill([title, *both, blank(width)], width, height)


def _group(model: Model, group: Group) -> list[list[Span]]:
    rows: list[list[Span]] = [[(f" {group}", "title")]]
    table = bindings(model.keys)
    screens = [binding for binding in table if binding.action.startswith("screen:")]
    if group is Group.MOVE and not model.help_filter:
        rows.append([(f"   {pad(f'1-{len(screens)}', KEYS)}", "key"), ("screen", "text")])
    said: dict[str, list[Binding]] = {}
    for binding in table:
        if binding.group is group and binding not in screens:
            words = _NODE_HERE.get(binding.action, binding.words) if model.is_node_here else binding.words
            said.setdefault(words, []).append(binding)
    wanted = model.help_filter.casefold()
    return rows + [_row(model, words, same) for words, same in said.items() if _fits(wanted, words, same)]


def _fits(wanted: str, words: str, same: list[Binding]) -> bool:
    """Whether the help's search means these keys: by a word, the action's name, or the key itself."""
    texts = (words, *(each.action for each in same))
    keys = [key for each in same for key in (*each.keys, *map(shown, each.keys))]
    return any(wanted in text.casefold() for text in texts) or wanted in (key.casefold() for key in keys)


def _row(model: Model, words: str, same: list[Binding]) -> list[Span]:
    keys = " ".join(dict.fromkeys(shown(key) for binding in same for key in binding.keys))
    is_here = any(binding.places & places(model) for binding in same)
    return [(f"   {pad(keys, KEYS)}", "key" if is_here else "dim"), (words, "text" if is_here else "dim")]
