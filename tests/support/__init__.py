"""What tests and benchmarks share: simulated worlds with known causes, and an exact run length."""
