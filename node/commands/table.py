"""The one table of commands, from which the command line, its help and the screens' hints follow.

To add a command: write its function in `transfers`, `views` or `lifecycle`, and a row here.
"""

from __future__ import annotations

from collections.abc import Mapping

from node.commands.command import Argument, Command
from node.commands.rates import rate
from node.errors import ExitCode

BROKEN_PIPE = 141
"""What a shell reports of a program that SIGPIPE has ended: 128 + 13."""


def seconds(text: str) -> float:
    """A number of seconds, as argparse wants it read."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def frames(text: str) -> float:
    """A number of screens a second, as argparse wants it read."""
    value = float(text)
    if not 0.1 <= value <= 10:
        raise ValueError(text)
    return value


_PEER = "its IP address, its multiaddr, or its peer id or the beginning of that"
_FILE = "a file's number in the list, its name, its CID or the beginning of it, or its link"
_ONE_TARGET = Argument(("target",), f"{_FILE}; without it, the only one there is", {"metavar": "TARGET", "nargs": "?"})
_TARGET = Argument(("target",), _FILE, {"metavar": "TARGET"})
_ANY_TARGET = Argument(("target",), f"{_FILE}; without it, every connection", {"metavar": "TARGET", "nargs": "?"})

_EXACT = Argument(("-0", "--print0"), "only exact paths, each ended by NUL, as for xargs -0", {"action": "store_true"})

LEVELS = ("debug", "info", "warning", "error")
PRIORITIES = ("high", "normal", "low", "skip")
THEMES = ("shoal", "light", "cvd", "mono")

SORTS = ("number", "name", "size", "done", "down", "up", "eta", "state", "peers", "ratio", "avail", "priority", "added")
_ROWS = (
    Argument(
        ("--sort",),
        "order the rows by COLUMN as the dashboard does, the most first",
        {"metavar": "COLUMN", "choices": SORTS},
        SORTS,
    ),
    Argument(
        ("--filter",),
        "only rows of which TEXT is part of the name, or begins the state or the CID",
        {"metavar": "TEXT"},
    ),
    _EXACT,
)

_WORD = "a path in it, a folder in it, or a pattern like '*.pdf'"

COMMANDS = (
    Command(
        "daemon",
        "run the node in this terminal",
        "lifecycle.daemon",
        (
            Argument(("--listen",), "listen here; may be repeated", {"metavar": "MULTIADDR", "action": "append"}),
            Argument(
                ("--bootstrap",),
                "join the network by this peer; may be repeated (SHOAL_BOOTSTRAP: comma separated)",
                {"metavar": "MULTIADDR", "action": "append"},
            ),
            Argument(
                ("--network",),
                "shoal, ipfs or a protocol prefix like /my/network",
                {"metavar": "NAME"},
                ("shoal", "ipfs"),
            ),
            Argument(
                ("--no-mdns",),
                "neither announce this node on the LAN nor look for others there (SHOAL_MDNS=0)",
                {"action": "store_false", "dest": "mdns", "default": None},
            ),
            Argument(
                ("--no-catalogue",),
                "don't tell neighbours the names of what is shared here (SHOAL_CATALOGUE=0)",
                {"action": "store_false", "dest": "catalogue", "default": None},
            ),
            Argument(("--log-level",), "debug, info, warning or error", {"metavar": "LEVEL"}, LEVELS),
        ),
        details="Flags win over the environment, which wins over config.toml in the data folder.",
    ),
    Command(
        "share",
        "share files and folders; prints CID and link",
        "transfers.share",
        (Argument(("paths",), "a file or folder, served from where it is", {"metavar": "PATH", "nargs": "+"}),),
        details="In a pipe each path is one line: CID, link and name, tab-separated.",
    ),
    Command(
        "watch",
        "share every file of a folder, now and as it appears",
        "watched.watch",
        (
            Argument(("directory",), "the folder; without it, list those watched", {"metavar": "DIR", "nargs": "?"}),
            _EXACT,
        ),
        details="Files in subfolders too, each a share of its own; hidden, empty and unfinished ones are left out. "
        "A file that changes is shared anew, one that vanishes no more.",
    ),
    Command(
        "unwatch",
        "watch a folder no more, and withdraw its files",
        "watched.unwatch",
        (
            Argument(("directory",), "the folder", {"metavar": "DIR"}),
            Argument(("--keep",), "let what is shared of it stay shared", {"action": "store_true"}),
        ),
    ),
    Command(
        "get",
        "download a file or folder",
        "transfers.get",
        (
            Argument(
                ("target",),
                "a CID, a link, the number of a hit of the latest search, or an unfinished file's number",
                {"metavar": "CID|LINK|N"},
            ),
            Argument(
                ("chosen",),
                f"fetch it from this peer only: {_PEER}",
                {"metavar": "from PEER", "nargs": "*", "default": []},
            ),
            Argument(("--from",), "the same", {"metavar": "PEER", "dest": "peer"}),
            Argument(("-o", "--output"), "put it into DIR (default: here)", {"metavar": "DIR"}),
            Argument(
                ("--only",),
                f"fetch only this of a folder: {_WORD}; may be repeated",
                {"metavar": "FILE", "action": "append", "default": []},
            ),
            Argument(
                ("--sequential",),
                "from the beginning to the end, to look at it while it comes",
                {"action": "store_true"},
            ),
            _EXACT,
            Argument(("--detach",), "don't wait: the node goes on by itself", {"action": "store_true"}),
            Argument(
                ("--timeout",),
                "give up after S seconds in which nothing moves; 0: never",
                {"metavar": "S", "type": seconds},
            ),
        ),
        aliases=("download", "d"),
        details="Prints where the file is once all of it is verified. Ctrl-C pauses it and keeps what is there.",
    ),
    Command("list", "what this node shares and fetches", "views.list_files", _ROWS, aliases=("ls",)),
    Command("info", "details of one file", "views.info", (_TARGET, _EXACT)),
    Command("peers", "who shares a file, or every connection", "views.peers", (_ANY_TARGET,)),
    Command("uploads", "what this node seeds", "views.uploads", _ROWS),
    Command(
        "connect",
        "connect to a peer",
        "lifecycle.connect",
        (Argument(("multiaddr",), "like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...", {"metavar": "MULTIADDR"}),),
    ),
    Command(
        "ban",
        "have nothing to do with a peer any more",
        "bans.ban",
        (Argument(("peer",), f"{_PEER}; without it, list those banned", {"metavar": "PEER", "nargs": "?"}),),
        details="Its connections end; it is neither asked nor served nor let in again, until unban. A ban is of a peer "
        "id: who takes a new identity is a new peer.",
    ),
    Command("unban", "let a banned peer come back", "bans.unban", (Argument(("peer",), _PEER, {"metavar": "PEER"}),)),
    Command("status", "the node itself", "views.status", aliases=("net",)),
    Command(
        "log",
        "the end of the node's log",
        "views.log",
        (Argument(("--lines",), "so many lines", {"metavar": "N", "type": int, "default": 20}),),
    ),
    Command(
        "search",
        "find files in the network",
        "searching.search",
        (
            Argument(("text",), "words of the name; ext:pdf for its extension", {"metavar": "TEXT", "nargs": "*"}),
            Argument(
                ("--local",),
                "only what this node knows; nobody is asked",
                {"action": "store_true"},
            ),
            Argument(
                ("--peers",),
                "only connected peers; the DHT learns nothing",
                {"action": "store_true"},
            ),
            Argument(("--stop",), "stop the search that goes on", {"action": "store_true"}),
            Argument(("--timeout",), "be patient for S seconds", {"metavar": "S", "type": seconds}),
        ),
        details="Fetch a hit right after it with: get N (s1 for hit 1 at any time). Without --local or --peers the "
        "nodes nearest to a word of yours in the DHT learn a hash of it, which can be guessed, and whom they name for "
        "it is asked all of the text.",
        aliases=("s",),
    ),
    Command(
        "stop",
        "stop sharing or fetching a file",
        "transfers.stop",
        (_ONE_TARGET,),
        details="It stays in the list and on disk; resume lets it go on.",
    ),
    Command(
        "cancel",
        "give a file up and take it off the list",
        "transfers.cancel",
        (
            _ONE_TARGET,
            Argument(("--keep",), "keep what was fetched: get goes on from there", {"action": "store_true"}),
            Argument(("--delete",), "delete what was fetched, files in their place too", {"action": "store_true"}),
        ),
        aliases=("rm",),
        details="On a terminal it asks which, elsewhere it keeps. Of a folder of which only some files are wanted "
        "those in their place are deleted too, unless they were changed since. What is complete is never deleted.",
    ),
    Command(
        "verify",
        "hash a file again and compare",
        "transfers.verify",
        (_TARGET,),
        details="Exit code 1 if a chunk isn't as it was shared.",
    ),
    Command(
        "limit",
        "bandwidth limits of the node, or of one file",
        "choices.limit",
        (
            Argument(("target",), f"{_FILE}; without it, the whole node", {"metavar": "TARGET", "nargs": "?"}),
            Argument(("words",), "`up RATE` or `down RATE`", {"metavar": "up|down RATE", "nargs": "*"}, ("up", "down")),
            Argument(("--up",), "send no more than RATE a second", {"metavar": "RATE", "type": rate}),
            Argument(("--down",), "fetch no more than RATE a second", {"metavar": "RATE", "type": rate}),
        ),
        details="RATE is like 20MB, 500kB or 1.5MiB; off takes the limit away, and with 0 nothing passes. "
        "They hold at once and after a restart. Without --up and --down it tells what they are.",
    ),
    Command(
        "priority",
        "which files of a download are wanted, and how much",
        "choices.priority",
        (
            _TARGET,
            Argument(
                ("level",),
                "high, normal, low or skip",
                {"metavar": "LEVEL", "nargs": "?", "choices": PRIORITIES},
                PRIORITIES,
            ),
            Argument(("files",), f"{_WORD}; without any, all files", {"metavar": "FILE", "nargs": "*", "default": []}),
            Argument(("--sequential",), "fetch from the beginning to the end", {"action": "store_true"}),
            Argument(("--rarest-first",), "fetch in the order that is best for everybody", {"action": "store_true"}),
        ),
        details="Without LEVEL and options it tells how things are. It can be changed at any time.",
    ),
    Command("pause", "pause a download", "transfers.pause", (_ONE_TARGET,)),
    Command("resume", "let a paused download go on", "transfers.resume", (_ONE_TARGET,)),
    Command("shutdown", "stop the node", "lifecycle.shutdown"),
    Command(
        "ui",
        "the dashboard; `shoal` alone opens it",
        "dashboard.ui",
        (
            Argument(("--theme",), "shoal, light, cvd or mono (SHOAL_THEME)", {"metavar": "NAME"}, THEMES),
            Argument(("--ascii",), "no glyphs beyond ASCII", {"action": "store_true"}),
            Argument(
                ("--a11y",),
                "for screen readers: the cursor on the selected row, a screen a second (SHOAL_A11Y=1)",
                {"action": "store_true"},
            ),
            Argument(("--no-mouse",), "leave the mouse to the terminal", {"action": "store_true"}),
            Argument(("--rate",), "screens a second, 0.1 to 10 (default 3)", {"metavar": "N", "type": frames}),
            Argument(("--plain",), "no full screen: line by line, as shoal shell", {"action": "store_true"}),
            Argument(
                ("--in-process",),
                "the node in this process too, for as long as the dashboard; slower to show its first rows",
                {"action": "store_true"},
            ),
        ),
        details="It starts a node if none runs; that goes on when you leave. "
        "Keys, columns and the rest can be chosen in dashboard.toml in the data folder.",
    ),
    Command(
        "shell",
        "type commands line by line",
        "shell.shell",
        details="Reads commands from standard input and prints the screens they ask for. It knows four more: "
        "sort COLUMN and filter [TEXT] hold for list and uploads from then on, theme NAME for the colours, and quit.",
    ),
    Command(
        "completion",
        "print a shell's completion script",
        "completion.completion",
        (Argument(("shell",), "bash, zsh or fish", {"metavar": "SHELL"}, ("bash", "zsh", "fish")),),
        details='For bash: eval "$(shoal completion bash)" in ~/.bashrc.',
    ),
)


EXIT_CODES: Mapping[int, str] = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed: some file failed, or isn't what was shared",
    ExitCode.USAGE: "the command line or the configuration is wrong",
    ExitCode.NO_NODE: "no node is running or it can't be reached, or another runs already",
    ExitCode.NOT_FOUND: "no such file, number or CID",
    ExitCode.NO_PEERS: "nobody has it, or not within --timeout",
    ExitCode.INTEGRITY: "wrong data, and no good peer left",
    ExitCode.STORAGE: "the disk is full or refuses",
    ExitCode.AMBIGUOUS: "more than one file is meant",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C; what was fetched is kept",
    BROKEN_PIPE: "nobody read the output to its end",
}
"""What each exit code tells, for the help."""
