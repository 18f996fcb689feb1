"""The command `eval`: its options, its run and its tables."""
