"""What the dashboard is told, and what it wants done: values only, so that a test is a list of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from node.status import DetailStatus, ItemStatus, NetworkStatus, NodeStatus, PeerStatus, SearchStatus

# --- from the terminal --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A key by its name: `j`, `enter`, `ctrl-d`, `pgdn`."""

    name: str


@dataclass(frozen=True, slots=True)
class Paste:
    """Text that was pasted."""

    text: str


@dataclass(frozen=True, slots=True)
class Mouse:
    """A button was pressed, or the wheel turned, over a cell; both counted from 0."""

    action: str  # "click", "wheel-up" or "wheel-down"
    x: int
    y: int
    at: float = 0.0  # monotonic, in seconds


@dataclass(frozen=True, slots=True)
class Resize:
    """The terminal has this many cells now."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Focus:
    """The terminal's window has the keyboard now, or has lost it."""

    is_here: bool


@dataclass(frozen=True, slots=True)
class WideGlyphs:
    """The terminal draws our glyphs two cells wide: use ASCII."""


# --- from the clock -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """What time it is: monotonic and unix, in seconds; comes once a second."""

    now: float
    wall: float


# --- from the node ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Online:
    """The node answers."""


@dataclass(frozen=True, slots=True)
class Offline:
    """The node doesn't; the next try is at `retry_at`."""

    reason: str
    retry_at: float
    attempt: int
    is_starting: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """Fresh snapshots; None where nothing was asked. `moving` are newer rows of some of the items, or new ones."""

    now: float
    items: tuple[ItemStatus, ...] | None = None
    moving: tuple[ItemStatus, ...] = ()
    gone: frozenset[str] = frozenset()  # CIDs that are no rows any more
    node: NodeStatus | None = None
    detail: DetailStatus | None = None
    peers: tuple[PeerStatus, ...] | None = None
    peers_of: str | None = None
    network: NetworkStatus | None = None
    search: SearchStatus | None = None
    log: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The outcome of something that was asked for, as a sentence."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class SearchBegun:
    """A search that was asked for here has begun."""

    search: SearchStatus


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command line printed; of a download that was begun, `begun` is the file as it was named."""

    line: str
    lines: tuple[str, ...]
    is_error: bool = False
    begun: str | None = None


Msg = Key | Paste | Mouse | Resize | Focus | WideGlyphs | Tick | Online | Offline | News | Said | SearchBegun | Printed

# --- effects ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """Call the node; `sentence` is said when it has been done."""

    method: str
    params: tuple[tuple[str, object], ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """Run a command line; a command without a file means `current`."""

    line: str
    current: str | None


@dataclass(frozen=True, slots=True)
class Copy:
    """Put text on the clipboard, where the terminal can."""

    text: str


@dataclass(frozen=True, slots=True)
class KeepColumns:
    """Have Transfers show these columns in this order at the next start too."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WriteLog:
    """Write these lines of the log into a file of their own."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetMouse:
    """Have the terminal report clicks, or leave the mouse to it."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Bell:
    """Ring the terminal's bell."""


@dataclass(frozen=True, slots=True)
class Redraw:
    """Draw everything anew: something else has written to the terminal."""


@dataclass(frozen=True, slots=True)
class Suspend:
    """Stop, as ctrl-z does, until the shell continues us."""


@dataclass(frozen=True, slots=True)
class StartNode:
    """Start a node for this data folder."""


@dataclass(frozen=True, slots=True)
class RetryNow:
    """Look at the node now, or try to reach it."""


@dataclass(frozen=True, slots=True)
class Leave:
    """End the dashboard; the node goes on, unless it is to be stopped too."""

    stop_node: bool = False


Effect = (
    Request
    | RunLine
    | Copy
    | KeepColumns
    | WriteLog
    | SetMouse
    | Bell
    | Redraw
    | Suspend
    | StartNode
    | RetryNow
    | Leave
)
