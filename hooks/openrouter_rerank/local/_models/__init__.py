"""The embedded models: what the server asks of a ranker, and what answers."""
