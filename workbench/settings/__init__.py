"""The fields of a recipe, and what is checked without opening a file."""
