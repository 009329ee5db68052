"""Whether a technique suits a base, found out by trying it."""
