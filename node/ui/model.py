"""Everything the dashboard knows: the node's snapshots and what the person has chosen. Frozen and pure.

Rules: rows are known by their ids (CID, peer id), never by their place, so that a key never acts on a row that has
just moved there. Time comes in as `now` (monotonic seconds) and `wall` (unix time), with the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from node.status import DetailStatus, ItemStatus, NetworkStatus, NodeStatus, PeerStatus, SearchStatus, TransferState
from node.ui.lineedit import LineEdit

STALE_S = 2.0
"""When news is overdue by so long, the header says how old the data is; it comes some three times a second."""

WAIT_S = 0.3
"""A wait for the node is told of after so long: it usually answers sooner, and words that flash up only unsettle."""

TOAST_S = 4.0
"""How long an answer stays in the status line; errors stay until a key is pressed."""

REMARKS = 200
"""Sentences kept for the Log screen: an evening's worth; the node's own log has what it did."""

HISTORY = 300
"""Rates kept for the graph of all transfers, one a second: five minutes."""

ROW_HISTORY = 64
"""Rates kept for each row's own little graph."""


class Screen(StrEnum):
    """The tabs, in their order; the value is the tab's title."""

    TRANSFERS = "Transfers"
    SEARCH = "Search"
    PEERS = "Peers"
    UPLOADS = "Uploads"
    NETWORK = "Network"
    LOG = "Log"


SCREENS = tuple(Screen)


class Reach(StrEnum):
    """How the node can be reached."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Contact:
    """The connection to the node, and what is known of a broken one."""

    reach: Reach = Reach.CONNECTING
    since: float = 0.0
    reason: str = ""
    retry_at: float = 0.0
    attempt: int = 0
    is_starting: bool = False  # a node was started and isn't ready yet


@dataclass(frozen=True, slots=True)
class Toast:
    """A sentence in the status line."""

    text: str
    is_error: bool
    until: float


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence that was in the status line, as the Log screen keeps it."""

    at: float  # unix time
    text: str
    is_error: bool


class PromptKind(StrEnum):
    """What a line at the bottom is typed for; the value is what stands before it."""

    COMMAND = ":"
    FILTER = "/"
    HELP = "?"  # what of the help is shown


@dataclass(frozen=True, slots=True)
class Prompt:
    """A line being typed."""

    kind: PromptKind
    edit: LineEdit = field(default_factory=LineEdit)
    place: int | None = None  # where in the history it is; None for a new line
    draft: str = ""  # the new line, while the history is looked through


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to a dialog: the key, its words, and the action that is done with the dialog's ids."""

    key: str
    words: str
    action: str  # "" closes the dialog and does nothing
    hint: str = ""  # a shorter word for the bottom line


@dataclass(frozen=True, slots=True)
class Dialog:
    """A question before something that can't be taken back; `ids` are the rows it is about, whatever moves since."""

    title: str
    lines: tuple[str, ...]
    choices: tuple[Choice, ...]
    ids: tuple[str, ...] = ()
    place: int = -1  # of the choice that is lit, where one can be
    default: str = ""  # the key of the choice that Enter means, which destroys nothing; marked so
    more: tuple[Choice, ...] = ()  # answers that aren't listed; those with words are hinted at


@dataclass(frozen=True, slots=True)
class Sort:
    """A column's key and whether the order is reversed."""

    key: str = "number"
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class HitOrder:
    """How a person had the hits of one search sorted: as they were then; what is found later stands below."""

    search: int = 0  # its number; another search comes in its own order
    sort: Sort = Sort()
    cids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandWord:
    """One row of the command table, as prompt, help and completion need it."""

    name: str
    usage: str
    summary: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, as a page over the screen."""

    title: str
    lines: tuple[str, ...]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Data:
    """What the node has told, and since when that is known."""

    items: tuple[ItemStatus, ...] | None = None
    cids: tuple[str, ...] = ()  # of the items; the same object for as long as they are the same
    items_at: float = 0.0
    node: NodeStatus | None = None
    detail: DetailStatus | None = None
    peers: tuple[PeerStatus, ...] | None = None
    peers_of: str | None = None  # the CID; None for every connection
    network: NetworkStatus | None = None
    search: SearchStatus | None = None  # the latest
    log: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()  # the dashboard's own, the newest last
    down: tuple[float, ...] = ()
    up: tuple[float, ...] = ()
    ticks: int = 0  # seconds in which rates were noted
    rates: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by CID: down and up together


@dataclass(frozen=True, slots=True)
class LogView:
    """What of the log is shown."""

    is_following: bool = True
    level: str = "INFO"
    offset: int = 0  # lines back from the end


@dataclass(frozen=True, slots=True)
class Model:
    """One moment of the dashboard."""

    width: int = 80
    height: int = 24
    now: float = 0.0
    wall: float = 0.0
    period_s: float = 0.0  # between two looks at the node
    contact: Contact = Contact()
    data: Data = Data()
    frozen: Data | None = None  # what is shown while the display is frozen
    screen: Screen = Screen.TRANSFERS
    details: str | None = None  # the CID whose details are open
    opening: str | None = None  # a download that was just begun, whose details open once its row is there
    tab: int = 0  # of the details: see `view_details.TABS`
    peers_of: str | None = None  # the CID whose peers are shown; None for every connection
    selected: Mapping[Screen, str] = field(default_factory=dict)
    places: Mapping[Screen, int] = field(default_factory=dict)  # the selected row's index when it was last seen
    clicked: tuple[int, float] | None = None  # the line where a row was clicked last, and when
    marks: frozenset[str] = frozenset()
    sort: Sort = Sort()
    order: tuple[str, ...] = ()  # the CIDs as they were sorted last; see `rows`
    ordered_at: float = float("-inf")
    peer_sort: Sort = Sort()
    peer_order: tuple[str, ...] = ()  # the same for Peers, by `rows.peer_key`
    peers_ordered_at: float = float("-inf")
    own_search: int | None = None  # the number of the last one begun here
    hit_order: HitOrder = HitOrder()
    filters: Mapping[Screen, str] = field(default_factory=dict)
    prompt: Prompt | None = None
    dialog: Dialog | None = None
    answer: Answer | None = None
    is_help_open: bool = False
    help_filter: str = ""
    toast: Toast | None = None
    log_view: LogView = LogView()
    history: tuple[str, ...] = ()
    commands: tuple[CommandWord, ...] = ()
    is_mouse_on: bool = True
    has_focus: bool = True  # the terminal's window has the keyboard, as far as it tells
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # a person's own, by action
    columns: tuple[str, ...] = ()  # of Transfers, all of them in a person's order; () for the usual one
    hidden: frozenset[str] = frozenset()  # those of them that aren't wanted
    is_a11y: bool = False  # for screen readers and braille displays: the cursor on the selected row, no graphs
    theme: str = "shoal"
    is_ascii: bool = False
    has_blocks: bool = False  # graphs of block elements, for fonts without braille
    has_bell: bool = False  # rung when a download is complete
    is_node_here: bool = False  # in this process: it ends with the dashboard
    leaving_at: float | None = None  # a first ctrl-c was pressed then

    @property
    def shown(self) -> Data:
        """The data that the screens show."""
        return self.frozen or self.data

    @property
    def filter(self) -> str:
        """What the screen's rows have to have in them; "" for all rows."""
        return self.filters.get(self.screen, "")

    @property
    def is_online(self) -> bool:
        """Whether commands can be given."""
        return self.contact.reach is Reach.ONLINE

    @property
    def is_waiting(self) -> bool:
        """Whether the node has been awaited for long enough to say so."""
        return self.contact.is_starting or self.now - self.contact.since >= WAIT_S

    @property
    def age_s(self) -> float | None:
        """How old the rows are; None before the first."""
        return None if self.data.items is None else max(0.0, self.now - self.data.items_at)


UNDER_WAY = frozenset({TransferState.DOWNLOADING, TransferState.STALLED, TransferState.VERIFYING})


def filtered(model: Model, text: str) -> Model:
    """The model whose screen shows only rows that fit the text; all, if it is ""."""
    return replace(model, filters={**model.filters, model.screen: text})


def item_of(model: Model, cid: str | None) -> ItemStatus | None:
    """The row with this CID."""
    return next((item for item in model.shown.items or () if item.cid == cid), None)
