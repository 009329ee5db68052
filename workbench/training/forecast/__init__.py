"""The memory that a run will need, by a dry run with tensors of shapes only."""
