"""From a base and a technique to an adapted model."""
