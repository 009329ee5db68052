"""Blocks below the first trained one, computed once for each row."""
