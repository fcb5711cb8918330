"""What happens after compiling: sampling, search, decoding."""
