"""A model and what PEFT has wrapped around it. Exported scripts carry this function's source."""

from __future__ import annotations


def unwrapped(model):
    """Return the model that PEFT has wrapped; one that is not wrapped as it is."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
