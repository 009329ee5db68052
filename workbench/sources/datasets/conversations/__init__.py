"""Rows as conversations: their forms, how one is found, and what is checked."""
