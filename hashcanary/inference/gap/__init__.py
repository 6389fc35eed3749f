"""The gap between the hashrate and its highest level of the last year, and what it is made of."""
