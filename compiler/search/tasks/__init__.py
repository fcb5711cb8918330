"""What a member is tried on: data, a table, or what a user brings."""
