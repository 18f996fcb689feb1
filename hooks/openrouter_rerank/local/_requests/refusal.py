"""The error that refuses a request."""


class RefusedError(Exception):
    """
    The request cannot be served; the reply is to say why.

    Args:
        status: The HTTP status to answer with.
        message: What is wrong, for the caller to read.
        headers: Headers for the reply, beyond those that every reply has.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
