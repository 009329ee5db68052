"""The bench: cards in which a recipe is filled."""
