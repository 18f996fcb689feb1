"""The defaults of a client's arguments; apart from the rest, so that signatures import no more."""

DEFAULT_DEADLINE_MS = 180_000
DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
# Of the command, and the one that examples name; the client's methods have no default.
DEFAULT_MODEL = "cohere/rerank-5-fast"
# What the command calls the default one of the embedded models.
LOCAL_NAME = "local"
# What the names of embedded models begin with, as local/minilm.
LOCAL_PREFIX = "local/"
