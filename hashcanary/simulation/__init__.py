"""Simulated mining history: exact retargets, exponential block times, shocks, a price path."""
