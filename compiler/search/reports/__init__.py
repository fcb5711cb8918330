"""What a search found -> one page that opens offline."""
