"""Consensus arithmetic on integers: no I/O, and no floats where consensus has none."""
