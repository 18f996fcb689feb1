"""A name for each request."""

from secrets import token_hex


def new_generation_id() -> str:
    """Make a name for one request; it is not derived from the request."""
    return f"gen-rerank-{token_hex(10)}"
