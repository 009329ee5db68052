"""The live chart of losses and scores, drawn in the browser."""
