"""What a recipe names: base models and data sets, found and read without heavy libraries."""
