"""What can be picked: base models, data sets, tasks and techniques."""
