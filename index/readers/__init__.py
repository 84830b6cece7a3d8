"""One module a format: bytes of a source in, an Article out."""
