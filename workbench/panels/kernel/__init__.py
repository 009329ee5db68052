"""Background threads and processes of the panels."""
