"""What a person sees, as pure functions of `node.status` snapshots.

`safe` is the gate for text from elsewhere, `text` measures in terminal cells, `units` writes numbers, `layout` draws
tables and cards, `screens` fills them in, `progress` tells how far something is. Nothing here asks the node.
"""
