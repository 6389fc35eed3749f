"""Simulated histories, marked as such wherever they go."""
