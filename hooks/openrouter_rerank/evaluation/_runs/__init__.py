"""Making the calls of an evaluation, each once."""
