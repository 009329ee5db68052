"""Ways to compute the same in less time or memory, each with its guard."""
