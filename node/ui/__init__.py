"""What a person sees, as pure functions of `node.status` snapshots.

Two forms of the same: `layout`, `screens` and `progress` are the lines that commands print; the rest is the dashboard.
There, messages change a frozen model (`messages`, `model`, `update`, `actions`, `prompting`, `pointing`), views make a
frame of it (`view`, `view_*`), and its difference from the last one is written (`cells`, `diff`). All of that is pure;
`dashboard` drives it, `feed` asks the node's control socket, and `terminal` alone touches the terminal.

`safe` is the gate for text from elsewhere, `text` measures in terminal cells, `units` writes numbers, `layout` draws
tables and cards, `screens` fills them in, `progress` tells how far something is.
"""
