"""What mining companies reported: how each stands, month by month, and together."""
