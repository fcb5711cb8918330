"""The forest, and how types (and later spaces) refine into it."""
