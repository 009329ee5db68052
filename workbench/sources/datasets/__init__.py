"""Data sets: where they are, their rows and their columns."""
