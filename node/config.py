"""What a node is started with: flags over environment over `config.toml` over defaults.

Rules: `resolve` is pure and the only place that decides; `load` reads the file. Every wrong value is a `UsageError`
that names where it stands. Clients never come here, so that a typo in the file doesn't keep anybody from asking a
running node something. Imports nothing of shoal but `node.folder` and the errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from node.errors import StorageError, UsageError
from node.folder import DataFolder, data_folder

DEFAULT_LISTEN = ("/ip4/0.0.0.0/tcp/4001",)
"""The port that libp2p nodes use by habit; a fixed one keeps links and remembered addresses valid over a restart."""

MAX_CONNECTIONS = 128
"""Default cap of open connections: a routing table's worth, well under the usual 1,024 file descriptors."""

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """All that `node.app.run` needs to know."""

    home: DataFolder
    listen: tuple[str, ...]  # multiaddrs to listen on
    bootstrap: tuple[str, ...]  # multiaddrs to join the network by; empty is fine
    network: str  # "/shoal", "/ipfs" or another prefix of the Kademlia protocol id
    max_connections: int
    mdns: bool  # announce this node on the LAN, and find others there
    catalogue: bool  # tell neighbours, and through them others, the names of all that is shared here
    log_level: str
    json: bool  # `shoal daemon --json`: report on stdout as NDJSON events


def load(flags: Mapping[str, object], environ: Mapping[str, str]) -> Config:
    """The configuration for `shoal daemon` with these flags; raises `UsageError` or, for the file, `StorageError`."""
    home_flag = flags.get("home")
    home = data_folder(home_flag if isinstance(home_flag, str) else None, environ)
    try:
        text = home.config.read_text("utf-8")
    except FileNotFoundError:
        text = ""
    except OSError as error:
        raise StorageError(f"cannot read {home.config}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{home.config} isn't UTF-8 text") from error
    return resolve(home, flags, environ, parse_file(text, str(home.config)))


def parse_file(text: str, where: str) -> dict[str, object]:
    """The settings in a `config.toml`; raises `UsageError` with the line of a syntax error or the unknown key."""
    import tomllib  # here because no client needs it

    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{where} isn't TOML: {error}") from error
    for key in table:
        if key not in SETTINGS:
            raise UsageError(f"{where}: there is no setting {key!r}; there are {', '.join(sorted(SETTINGS))}")
    return table


def resolve(
    home: DataFolder, flags: Mapping[str, object], environ: Mapping[str, str], table: Mapping[str, object]
) -> Config:
    """The configuration that the three sources amount to, checked; `None` in `flags` means not given."""

    def value(name: str) -> object:
        setting = SETTINGS[name]
        if flags.get(name) is not None:
            return setting.check(flags[name], "--" + name.replace("_", "-"))
        if setting.variable and (text := environ.get(setting.variable)):
            return setting.check(setting.read(text), setting.variable)
        if name in table:
            return setting.check(table[name], f"{home.config}: {name}")
        return setting.check(setting.default, name)

    return Config(home=home, json=bool(flags.get("json")), **{name: value(name) for name in SETTINGS})  # type: ignore[arg-type]  # each check returns its field's type


def _parts(text: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(part for part in text.split(",") if part.strip())


def _word(text: str) -> object:
    """The truth value that a variable's text means, or the text where it means none."""
    return {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}.get(text.lower(), text)


@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting is checked, and what it is when nobody sets it."""

    check: Callable[[object, str], object]  # (value, where it stands) -> the value as `Config` has it
    default: object  # as a person would write it
    variable: str = ""  # the environment variable that sets it
    read: Callable[[str], object] = str  # the variable's text -> as a person would write it in the file


def _multiaddrs(value: object, where: str) -> tuple[str, ...]:
    """Texts that look like multiaddrs; whether they are is for the layer that uses them to say."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise UsageError(f'{where} takes a list of multiaddrs, like ["/ip4/0.0.0.0/tcp/4001"]')
    for item in value:
        if not re.fullmatch(r"(/[^/\s]+)+/?", item.strip()):
            raise UsageError(f"{where}: {item!r} isn't a multiaddr; one looks like /ip4/192.0.2.1/tcp/4001")
    return tuple(item.strip() for item in value)


def _network(value: object, where: str) -> str:
    if value in ("shoal", "ipfs"):
        return f"/{value}"
    if isinstance(value, str) and re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value):
        return value
    raise UsageError(f"{where} takes shoal, ipfs or a protocol prefix like /my/network, not {value!r}")


def _connections(value: object, where: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000:
        return value
    raise UsageError(f"{where} takes a number from 1 to 10000, not {value!r}")


def _switch(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise UsageError(f"{where} takes true or false (in the environment also 1 or 0), not {value!r}")


def _log_level(value: object, where: str) -> str:
    if value in LOG_LEVELS:
        return str(value)
    raise UsageError(f"{where} takes one of {', '.join(LOG_LEVELS)}, not {value!r}")


SETTINGS = {
    "listen": Setting(_multiaddrs, DEFAULT_LISTEN),
    "bootstrap": Setting(_multiaddrs, (), "SHOAL_BOOTSTRAP", _parts),
    "network": Setting(_network, "shoal"),
    "max_connections": Setting(_connections, MAX_CONNECTIONS),
    "mdns": Setting(_switch, True, "SHOAL_MDNS", _word),
    "catalogue": Setting(_switch, True, "SHOAL_CATALOGUE", _word),
    "log_level": Setting(_log_level, "info"),
}
"""Every setting, by its name in `config.toml`, in `Config` and, with dashes, as a flag."""
