"""A Bitcoin node of one's own: its block files, its RPC and REST interfaces, its notices."""
