"""Stress of miners in one figure, its parts in the open: a gauge, and an index of who can go on."""
