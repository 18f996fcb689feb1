"""Refusing requests that are meant for another host."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from openrouter_rerank.local._replies import reply_error

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
# It does not repeat the name, which may be of any length.
REFUSAL = (
    "host: this server does not answer for the name in Host. To allow a name, start it with "
    "--allow-host NAME or OPENROUTER_SERVE_ALLOW_HOST=NAME, or with allowed_hosts in Python"
)


class HostCheckMiddleware:
    """
    Answer 421 (RFC 9110, section 15.5.20) unless `Host` names this server.

    A web page can make its own host name resolve to a loopback address, and so reach a server
    there through its visitor's browser (DNS rebinding). The browser still sends that name. The
    server's own names are those of the loopback interface, the address that the connection came
    in on, and `names`. The port does not matter.

    Args:
        app: The application that answers if the host is right.
        names: More host names or addresses, without port; letter case does not matter.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(map(normalize_host, (*LOOPBACK_NAMES, *names)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request for this server, and refuse any other."""
        if scope["type"] != "http" or self._is_own(scope):
            await self._app(scope, receive, send)
            return
        refusal = reply_error(421, REFUSAL)
        await refusal(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        values = [value for name, value in scope["headers"] if name == b"host"]
        if len(values) != 1:
            return False
        host = normalize_host(cut_port(values[0].decode("latin-1")))
        server = scope.get("server")
        return host in self._names or (server is not None and host == normalize_host(server[0]))


def cut_port(host: str) -> str:
    """Cut the port off a `Host` header (RFC 9110, section 7.2): `[::1]:80` becomes `[::1]`."""
    name, colon, port = host.rpartition(":")
    return name if colon and (not port or port.isdecimal()) and not host.endswith("]") else host


def normalize_host(host: str) -> str:
    """Write equal hosts the same: lower case, no brackets, no final dot, addresses shortened."""
    name = host.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
