"""Byline answers questions from news articles; every sentence stands on a passage that it cites."""
