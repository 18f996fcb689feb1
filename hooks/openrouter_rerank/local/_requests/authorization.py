"""The server's own API key."""

import hmac

from .refusal import RefusedError


def check_key(authorization: str, api_key: str) -> None:
    """
    Check the `Authorization` header (RFC 6750, sections 2.1 and 3).

    Raises:
        RefusedError: With 401, the header doesn't have the key as a bearer token.
    """
    scheme, _, credentials = authorization.partition(" ")
    # As bytes, because compare_digest refuses str beyond ASCII.
    known = hmac.compare_digest(credentials.strip().encode(), api_key.encode())
    if scheme.lower() != "bearer" or not known:
        raise RefusedError(
            401,
            "Authorization: this server wants its own API key as a bearer token",
            {"WWW-Authenticate": "Bearer"},
        )
