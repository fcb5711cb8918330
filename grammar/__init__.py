"""What can be written in an .arch file, and no meaning."""
