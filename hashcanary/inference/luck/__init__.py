"""Whether the blocks of a window are fewer or more than luck leaves."""
