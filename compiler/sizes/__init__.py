"""Sizes in normal form, and what can be proved of them."""
