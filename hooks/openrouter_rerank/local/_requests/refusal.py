"""The error that refuses a request."""


class RefusedError(Exception):
    """
    The request cannot be served, and the reply says why.

    Args:
        status: The HTTP status to answer with.
        message: What is wrong, for the caller to read.
        headers: Headers of the reply, besides those that every reply has.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
