"""What every name of a program means, and what mentions what."""
