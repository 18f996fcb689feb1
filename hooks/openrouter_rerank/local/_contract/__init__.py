"""The packaged contract and the examples in it."""
