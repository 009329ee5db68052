"""From rows to token ids to batches, within the limits of a base."""
