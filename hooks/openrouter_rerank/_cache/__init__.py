"""What was paid once: where answers are kept, by which keys, and in which form."""
