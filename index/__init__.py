"""Articles in: read, clean, cut, embed, keep."""
