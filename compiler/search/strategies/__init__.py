"""Ways to search: each decides which member to try next."""
