"""
httpx2's classes, which have httpx's names and shape but no base in common with them.

httpx2 is neither imported here nor needed: whoever has an object of it has imported it. Type
checkers accept such objects where it is not installed, too.
"""

import ssl
import sys
from typing import Any, Protocol, TypeAlias

import httpx


def is_httpx2(value: object, name: str) -> bool:
    """Return whether an object is of httpx2's class of a name, and that is not httpx's."""
    # After `httpx2.alias_httpx()` it is.
    kind: Any = getattr(sys.modules.get("httpx2"), name, ())
    return isinstance(value, kind) and kind is not getattr(httpx, name)


class Httpx2Client(Protocol):
    """An `httpx2.Client`."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def build_request(self, method: str, url: Any) -> Any:
        """Build a request."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Httpx2AsyncClient(Protocol):
    """An `httpx2.AsyncClient`."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def build_request(self, method: str, url: Any) -> Any:
        """Build a request."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class Httpx2Transport(Protocol):
    """An `httpx2.BaseTransport`."""

    def handle_request(self, request: Any) -> Any:
        """Send a request."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Httpx2AsyncTransport(Protocol):
    """An `httpx2.AsyncBaseTransport`."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request."""
        ...

    async def aclose(self) -> None:
        """Close its connections."""
        ...


class Httpx2Timeout(Protocol):
    """An `httpx2.Timeout`."""

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return the four limits by their names."""
        ...


class Httpx2Limits(Protocol):
    """An `httpx2.Limits`."""

    max_connections: int | None
    max_keepalive_connections: int | None
    keepalive_expiry: float | None


class Httpx2Proxy(Protocol):
    """An `httpx2.Proxy`."""

    url: Any
    auth: tuple[str, str] | None
    headers: Any
    ssl_context: ssl.SSLContext | None


Client: TypeAlias = httpx.Client | Httpx2Client
AsyncClient: TypeAlias = httpx.AsyncClient | Httpx2AsyncClient
Transport: TypeAlias = httpx.BaseTransport | Httpx2Transport
AsyncTransport: TypeAlias = httpx.AsyncBaseTransport | Httpx2AsyncTransport
Timeout: TypeAlias = httpx.Timeout | Httpx2Timeout
Limits: TypeAlias = httpx.Limits | Httpx2Limits
Proxy: TypeAlias = httpx.Proxy | Httpx2Proxy
