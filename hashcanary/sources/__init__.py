"""Where facts come from: files now, nodes and services through the same door."""
