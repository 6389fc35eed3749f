"""Models of the cost of a coin, one file a model; ``cost_registry.py`` finds them."""
