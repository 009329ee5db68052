"""One run: its status, its row in the table, its results."""
