"""The local API: how the command line and the dashboard talk to the node on the same machine.

`wire` is the format, `server` the node's end, `client` the other; `lock` keeps a data folder to one node and
`address` makes a socket path that the kernel takes. Nothing here knows what a method does.
"""
