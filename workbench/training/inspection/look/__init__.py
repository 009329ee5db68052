"""Rows as the model gets them, with what is learned of them: :func:`workbench.look`."""
