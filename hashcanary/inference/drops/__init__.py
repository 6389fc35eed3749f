"""Drops of the hashrate: when one is declared, where it begins and ends."""
