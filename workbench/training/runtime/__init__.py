"""What a step runs on: random generators, threads, memory, worker processes."""
