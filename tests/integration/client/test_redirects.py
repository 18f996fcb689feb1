"""Where a reply sends the client, and whether the key goes along."""

import ssl

import pytest
from integration.client import faults
from integration.client.calling import ALL_MODES, KEY, MODES, call_once
from integration.client.conftest import Serve
from integration.client.fault_tables.row import SUCCESS
from openrouter_rerank.errors import OpenRouterDefaultError

BEARER = f"Bearer {KEY}"


@pytest.mark.parametrize("mode", ALL_MODES)
@pytest.mark.parametrize("status", [307, 308])
def test_same_origin_is_followed(mode: str, status: int, serve: Serve) -> None:
    """The same request, method, body and key, goes where the server says, in one attempt."""
    server = serve(faults.redirect(status, "/elsewhere?a=b"), faults.ok)

    outcome = call_once(mode, server.url)

    first, second = server.requests
    assert outcome.kind is SUCCESS
    assert (second.method, second.target) == ("POST", "/elsewhere?a=b")
    assert second.body == first.body
    assert (first.header("authorization"), second.header("authorization")) == (BEARER, BEARER)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305])
def test_other_redirects_are_errors(mode: str, status: int, serve: Serve) -> None:
    """A redirect that would change the method is an error, to the same origin too."""
    server = serve(faults.redirect(status, "/elsewhere"), faults.ok)

    outcome = call_once(mode, server.url)

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, status)
    assert len(server.requests) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("location", ["http://[", "", "file:///etc/passwd", "//", "\x01"])
def test_odd_locations_are_errors_or_followed_here(mode: str, location: str, serve: Serve) -> None:
    """Whatever Location holds, the outcome is an answer from this server or our own error."""
    server = serve(faults.redirect(307, location), faults.ok)

    outcome = call_once(mode, server.url)

    assert outcome.error is None or str(outcome.error)
    assert len(server.requests) <= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_origin_is_never_asked(mode: str, status: int, serve: Serve) -> None:
    """Another port is another origin: it gets neither the key nor a request."""
    other = serve(faults.ok)
    server = serve(faults.redirect(status, f"{other.url}/rerank"))

    outcome = call_once(mode, server.url)

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, status)
    assert (len(server.requests), other.opened) == (1, 0)


@pytest.mark.parametrize("mode", MODES)
def test_plain_http_is_never_asked(
    mode: str, serve: Serve, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A redirect from https to http is an error."""
    other = serve(faults.ok)
    server = serve(faults.redirect(307, f"{other.url}/rerank"), tls=server_tls)

    outcome = call_once(mode, server.url, verify=client_tls)

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, 307)
    assert (len(server.requests), other.opened) == (1, 0)


@pytest.mark.parametrize("mode", MODES)
def test_endless_redirects_end(mode: str, serve: Serve) -> None:
    """The sixth redirect is an error, and the call is not tried again."""
    server = serve(faults.redirect(308, "/again"))

    outcome = call_once(mode, server.url)

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, 308)
    assert len(server.requests) == 6


@pytest.mark.parametrize("mode", MODES)
def test_redirect_without_location_is_an_error(mode: str, serve: Serve) -> None:
    """A 307 that does not say where to go is an error."""
    server = serve(faults.empty(307))

    outcome = call_once(mode, server.url)

    assert (outcome.kind, outcome.status) == (OpenRouterDefaultError, 307)
    assert len(server.requests) == 1
