"""What it meant before: episodes and what followed."""
