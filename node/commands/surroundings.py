"""What of its surroundings shoal reads, and the files it keeps: for the help and the man page."""

from __future__ import annotations

from collections.abc import Mapping

ENVIRONMENT: Mapping[str, str] = {
    "SHOAL_HOME": "the data folder, which also says which node is meant",
    "SHOAL_BOOTSTRAP": "multiaddrs to join the network by, comma separated",
    "SHOAL_MDNS": "0: neither announce the node on the LAN nor look for others there",
    "SHOAL_CATALOGUE": "0: don't tell neighbours the names of what is shared here",
    "SHOAL_UNITS": "si for MB and GB (the default), iec for MiB and GiB",
    "SHOAL_THEME": "colours of the dashboard and of listings: shoal, light, cvd or mono",
    "SHOAL_A11Y": "1: the dashboard for screen readers",
    "NO_COLOR": "no colours, if it isn't empty; wins over the next two",
    "FORCE_COLOR": "colours in a pipe too, if it isn't empty",
    "CLICOLOR_FORCE": "the same",
    "TERM": "dumb or nothing: neither colours nor anything that moves the cursor",
    "COLORTERM": "if it isn't empty, the terminal is taken to have 256 colours",
    "TERM_PROGRAM": "whether the terminal shows progress in its taskbar or tab",
    "WT_SESSION": "the same",
    "ConEmuANSI": "the same",
    "COLUMNS": "how wide a terminal is that doesn't say so itself",
    "CI": "if it isn't empty, progress is told in plain lines",
    "XDG_DATA_HOME": "where the data folder is by default, instead of ~/.local/share",
}
"""Every variable that is read, and what it does."""

FILES: Mapping[str, str] = {
    "identity.key": "the node's private key; who has it is this node",
    "config.toml": "settings of the node that you write",
    "dashboard.toml": "what you chose of the dashboard: keys, columns, theme, rate and the rest",
    "state.db": "everything else that has to last: shares, downloads, addresses",
    "shoal.log": "the node's log; older ones are shoal.log.1 and so on",
    "daemon.out": "what a node that the dashboard has started printed",
    "dashboard.log": "what would have disturbed the dashboard's screen",
    "control.sock": "where commands reach the node; for its owner only",
    "lock": "who uses the folder",
}
"""Every file in the data folder."""
