"""Random calls and random programs, and what plain torch says to them."""
