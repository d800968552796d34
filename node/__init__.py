"""The shoal node: decisions (swarm), bytes at rest (store), the network (net), tasks (services) and what people see (ui)."""
