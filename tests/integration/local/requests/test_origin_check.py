"""Refusing what a browser sends for another site's page, over real sockets."""

from collections.abc import Iterator

import httpx
import pytest
from integration.local.messages import BODY, read_error
from integration.local.rankers import ConstantRanker
from openrouter_rerank.local import running
from openrouter_rerank.local._requests.origin_check import read_authority

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """Give a client of a server that also answers for a name."""
    with (
        running(ConstantRanker(), allowed_hosts=["rerank.internal"]) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://HOST"}, 200),
        ({"Origin": "http://HOST", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Host": "rerank.internal", "Origin": "https://rerank.internal"}, 200),
        ({"Host": "RERANK.internal:8080", "Origin": "http://rerank.internal:8080"}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://HOST.evil.example"}, 403),
        ({"Origin": "http://evil@HOST"}, 403),
        ({"Origin": "file://HOST"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://[HOST"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION}, 403),
        ({"Origin": "http://HOST", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_rankings_are_for_pages_of_the_server_alone(
    client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    """A request of another origin gets a 403, and one of no browser is not concerned."""
    host = client.base_url.netloc.decode()
    sent = {name: value.replace("HOST", host) for name, value in headers.items()}

    reply = client.post("rerank", json=BODY, headers=sent)

    assert reply.status_code == status
    if status == 403:
        read_error(reply)
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION, "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/", "/page/page.js"])
def test_a_link_leads_to_the_page(
    client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    """Of what another site's page can ask for, only a document of its own is answered."""
    assert client.get(client.base_url.join(path), headers=headers).status_code == status


@pytest.mark.parametrize(
    ("origin", "authority"),
    [
        ("http://localhost:8787", "localhost:8787"),
        ("http://localhost:80", "localhost"),
        ("https://localhost:443", "localhost"),
        ("HTTPS://LocalHost:80", "localhost:80"),
        ("http://[::1]:8787", "[::1]:8787"),
        ("ftp://localhost", None),
        ("http://[::1", None),
        ("null", None),
    ],
)
def test_an_origin_is_read_as_the_host_it_belongs_to(origin: str, authority: str | None) -> None:
    """The scheme's own port is left out, as browsers leave it out of `Host`."""
    assert read_authority(origin) == authority
