"""Pools: the list of their tags and addresses, and who mined a block by it."""
