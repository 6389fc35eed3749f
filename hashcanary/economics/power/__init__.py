"""What miners pay for power."""
