"""Inference: what blocks say about hashrate, and how surely. Imports metrics, chain and below."""
