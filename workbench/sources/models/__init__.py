"""Base models: where they are and what they are."""
