"""Whether to try again, and how long to wait: pure decisions over an error and a configuration."""
