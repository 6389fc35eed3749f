"""Files: fetching, recognising and reading tables of blocks, candles, days and companies."""
