"""One run, followed."""
