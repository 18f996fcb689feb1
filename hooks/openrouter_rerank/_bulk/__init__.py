"""More than one call can do: documents in batches, and runs over many jobs."""
