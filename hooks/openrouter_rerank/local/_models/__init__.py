"""The embedded models: what the server asks of a ranker, and MiniLM."""
