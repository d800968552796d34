"""The commands of `shoal`: what a person types, turned into calls of the node and screens.

`table` lists them all and `parser` makes the command line and its help from that; `transfers`, `views` and
`lifecycle` do the work; `output` alone writes. A client command imports neither trio nor libp2p nor blessed, here or
further down: it has 150 ms from the Enter key to the answer.
"""
