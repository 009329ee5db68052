"""LoRA runs of a race that train in one pass of their base."""
