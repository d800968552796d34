"""The shoal node: decisions (swarm), bytes at rest (store), the network (net), tasks (services), screens (ui)."""
