"""The anatomy of a recipe: the model as a tree, and pictures of its layers."""
