"""Constraints on what a language model writes, token by token."""
