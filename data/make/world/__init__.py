"""The closed world of Otterbeck, and the texts that tell of it."""
