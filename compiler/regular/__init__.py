"""Regular languages: patterns, numbers and strings as automata that match, count and draw."""
