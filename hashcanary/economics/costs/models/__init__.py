"""Models of the cost of a coin, one file a model; ``model.py`` finds them."""
