"""The sections of the benchmark on a GPU: see ``tests/benchmarks/gpu.py``."""
