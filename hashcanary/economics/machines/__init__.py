"""Rigs and fleets of them: the catalogue, draws of the network's mix, a user's own."""
