"""Searching by name, as SPEC.md has it: how names become tokens, and how one node asks another."""
