"""Who may say what when: the order of the exchange protocol, as data.

Rules (h11's): everything that affects a state or a transition lives in this file, and this file doesn't know which
side it runs on. Each side of a conversation has a state of its own; the same tables judge what we say and what the
peer says. Whether a message fits what was asked before it is not an order of things: see `accounting.py`.

Theory of operation. A message is said by a *speaker* and heard by a *listener*. `TRANSITIONS` has what each state
lets a speaker say, and the state it is in afterwards. `REACTIONS` has the few cases in which hearing a message
changes the listener's state too. The side that opened the stream starts in IDLE, the other one in WAITING.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from protocols.errors import ProtocolError
from protocols.exchange.messages import MessageType as Type


class State(StrEnum):  # not Enum, whose hash is Python code: two are looked up for every message
    """How far one side of the conversation has come."""

    WAITING = "WAITING"  # accepted the stream, and can't know the manifest before the other side's HELLO
    IDLE = "IDLE"  # has said nothing, and may introduce itself
    GREETED = "GREETED"  # has said HELLO; fetches the manifest or serves it, and says BITFIELD once it knows it
    READY = "READY"  # has said BITFIELD: everything else is legal
    PARTING = "PARTING"  # was told BYE, or heard what isn't legal: only BYE is left to say
    DONE = "DONE"  # has said BYE
    BROKEN = "BROKEN"  # has broken a rule: nothing it says is looked at any more


# A side that has come so far says nothing of interest any more, and may close its direction.
OVER: Final = frozenset({State.PARTING, State.DONE, State.BROKEN})

# PEERS goes with both: it is optional, and so legal where an unknown optional message is.
_META: Final = (Type.GET_META, Type.META, Type.REJECT_META)
_CHUNKS: Final = (Type.HAVE, Type.REQUEST, Type.DATA, Type.CANCEL, Type.REJECT)

# Speaker's state -> what it may say -> its state then.
TRANSITIONS: Final[Mapping[State, Mapping[Type, State]]] = {
    State.WAITING: {Type.BYE: State.DONE},
    State.IDLE: {Type.HELLO: State.GREETED, Type.BYE: State.DONE},
    State.GREETED: {
        **dict.fromkeys((*_META, Type.PEERS), State.GREETED),
        Type.BITFIELD: State.READY,
        Type.BYE: State.DONE,
    },
    State.READY: {
        **dict.fromkeys(_META, State.READY),
        **dict.fromkeys((*_CHUNKS, Type.PEERS), State.READY),
        Type.BYE: State.DONE,
    },
    State.PARTING: {Type.BYE: State.DONE},
    State.DONE: {},
    State.BROKEN: {},
}

# What is said -> listener's state -> its state then; what isn't here leaves the listener as it was.
REACTIONS: Final[Mapping[Type, Mapping[State, State]]] = {
    Type.HELLO: {State.WAITING: State.IDLE},
    Type.BYE: {state: State.PARTING for state in State if state not in OVER},
}

# In these states a speaker may also say optional messages, which a listener that doesn't know them ignores.
OPTIONAL_LEGAL_IN: Final = frozenset({State.GREETED, State.READY})


def advance(speaker: State, listener: State, said: Type) -> tuple[State, State]:
    """The states of speaker and listener after a message; ProtocolError if the speaker may not say it now."""
    try:
        after = TRANSITIONS[speaker][said]
    except KeyError:
        raise ProtocolError(f"{said.name} is not legal in state {speaker.value}") from None
    reaction = REACTIONS.get(said)
    return after, reaction.get(listener, listener) if reaction else listener


def check_optional(speaker: State) -> None:
    """ProtocolError if the speaker may not say an optional message now."""
    if speaker not in OPTIONAL_LEGAL_IN:
        raise ProtocolError(f"an optional message is not legal in state {speaker.value}")


def part(listener: State) -> State:
    """The state of a side after the other one has broken a rule."""
    return listener if listener in OVER else State.PARTING
