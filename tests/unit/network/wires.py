"""Connections whose server says what it is told to, whatever it is asked."""

import ssl
from typing import Any

import httpcore


class Wire(httpcore.NetworkStream):
    """A connection whose server says what it is told to, whatever it is asked."""

    def __init__(self, *said: bytes, write_error: Exception | None = None) -> None:
        """Take what each read returns; after that, the end."""
        self.said = list(said)
        self.write_error = write_error
        self.written: list[bytes] = []
        self.timeouts: list[float | None] = []
        self.tls_names: list[str | None] = []
        self.is_closed = self.is_readable = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Return the next words."""
        self.timeouts.append(timeout)
        return self.said.pop(0) if self.said else b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Note what is written."""
        self.timeouts.append(timeout)
        self.written.append(buffer)
        if self.write_error is not None:
            raise self.write_error

    def close(self) -> None:
        """Note it."""
        self.is_closed = True

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "Wire":
        """Note for which name, and go on."""
        self.timeouts.append(timeout)
        self.tls_names.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        """Tell whether something can be read."""
        return self.is_readable if info == "is_readable" else None


class AsyncWire(httpcore.AsyncNetworkStream):
    """The same for async."""

    def __init__(self, wire: Wire) -> None:
        """Wrap the sync one."""
        self.wire = wire

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next words."""
        return self.wire.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Note what is written."""
        self.wire.write(buffer, timeout)

    async def aclose(self) -> None:
        """Note it."""
        self.wire.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "AsyncWire":
        """Note for which name, and go on."""
        self.wire.start_tls(ssl_context, server_hostname, timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        """Tell whether something can be read."""
        return self.wire.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Connects to a wire."""

    def __init__(self, wire: Wire) -> None:
        """Take the wire."""
        self.wire = wire

    def connect_tcp(self, host: str, port: int, *options: Any, **more: Any) -> Wire:  # noqa: ARG002
        """Connect."""
        return self.wire


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Connects to a wire."""

    def __init__(self, wire: Wire) -> None:
        """Take the wire."""
        self.wire = wire

    async def connect_tcp(self, host: str, port: int, *options: Any, **more: Any) -> AsyncWire:  # noqa: ARG002
        """Connect."""
        return AsyncWire(self.wire)
