"""When a machine stops: shutdown prices, waiting between thresholds, payback."""
