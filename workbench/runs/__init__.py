"""Runs: one run in the kernel, and its folder on disk."""
