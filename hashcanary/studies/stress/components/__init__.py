"""What the stress gauge is made of: one file a component."""
