"""The hashrate's posterior: a bank of small Kalman filters over blocks, and what it is mixed of."""
