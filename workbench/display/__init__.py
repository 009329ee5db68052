"""How figures, sizes, colours and texts are shown, in notebooks and on a terminal."""
