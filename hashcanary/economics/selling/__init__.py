"""Coins mined against coins that must be sold."""
