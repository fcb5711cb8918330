"""Refinement by columns: all input types of an expression at once."""
