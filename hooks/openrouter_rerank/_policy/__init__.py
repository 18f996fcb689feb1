"""Whether to retry, and how long to wait: pure decisions from an error and a configuration."""
