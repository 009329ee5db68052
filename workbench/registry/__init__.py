"""What exists: tasks, techniques and ways to store a base, as plain data."""
