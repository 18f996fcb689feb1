"""What holds for a call unless its client is told otherwise."""

DEFAULT_DEADLINE_MS = 180_000
DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
