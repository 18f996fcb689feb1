"""The fixtures of the tests of the client, for those of what it does when calls fail."""

from integration.client.conftest import bare_environment, serve, server_tls

__all__ = ["bare_environment", "serve", "server_tls"]
