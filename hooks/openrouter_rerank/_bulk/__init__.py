"""One call in batches of its documents, and runs over many jobs."""
