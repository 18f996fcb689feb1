"""From arguments to bytes, and from bytes to models and errors. Pure: no I/O."""
