"""A forest of a space -> what is asked of it: counts, draws, ranks, costs, edits."""
