"""Types of documents: what they admit, and documents read and judged by them."""
