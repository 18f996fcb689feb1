"""The input: where it comes from, its formats, and the jobs in it."""
