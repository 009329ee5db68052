"""Rows as the model gets them, with what is learnt of them: :func:`workbench.look`."""
