"""What a technique does to a base, found out without training."""
