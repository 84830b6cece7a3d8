"""From the web to articles: a safe client, politeness, feeds, and the list that is followed."""
