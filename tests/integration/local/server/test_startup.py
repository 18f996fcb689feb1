"""The server as a process, and in a thread."""

import signal
import socket
import subprocess
import sys
from urllib.parse import quote

import httpx
import pytest
from forking.processes import ForkServer
from openrouter_rerank.local import MiniLMRanker, running
from openrouter_rerank.local._server.uvicorn_server import GRACE_PERIODS

from .processes import BODY, parse_url, read_url, start

SERVE = "from openrouter_rerank.local import serve; serve(port={port}, api_key={api_key!r})"

# Fails with a message that quotes the request.
SERVE_FAILING = """
from openrouter_rerank.local import serve

class Failing:
    def rank(self, query, documents, *, checkpoint):
        raise LookupError(query, documents)

serve(port=0, ranker=Failing())
"""

# Says when a ranking has begun; only the checkpoint ends it.
SERVE_STUCK = """
from openrouter_rerank.local import create_app
from openrouter_rerank.local._server.startup import serve_app
from openrouter_rerank.local._server.uvicorn_server import GracePeriods

class Stuck:
    def rank(self, query, documents, *, checkpoint):
        print("ranking", flush=True)
        while True:
            checkpoint()

serve_app(create_app(Stuck()), "127.0.0.1", 0, grace_periods=GracePeriods({ranking}, {connection}))
"""

# Characters that end a line, move the cursor, or do not show.
ODD = ("\n", "\r", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff")


def ask(url: str) -> list[int]:
    """Send a request with the key and one without, and return the statuses."""
    keys: tuple[dict[str, str], ...] = ({"Authorization": "Bearer k"}, {})
    return [httpx.post(f"{url}/rerank", json=BODY, headers=key).status_code for key in keys]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_server_cleanly(stop: signal.Signals, fork_server: ForkServer) -> None:
    """It prints one line, answers at that address, and ends with status 0 and no output."""
    with start(fork_server, SERVE.format(port=0, api_key="k")) as process:
        statuses = ask(read_url(process))
        ended = process.end(stop)

    assert statuses == [200, 401]
    assert ended == (0, "", "")


def test_server_of_a_new_interpreter_warns_of_nothing() -> None:
    """What the server imports warns of nothing either, and Ctrl-C ends it as silently."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE.format(port=0, api_key="k")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            statuses = ask(parse_url(process.stdout.readline()))
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()

    assert statuses == [200, 401]
    assert (process.returncode, output, errors) == (0, "", "")


# Two signals of one kind may arrive as one, and the second Ctrl-C has uvicorn drop its replies.
@pytest.mark.parametrize(
    ("stops", "ranking", "is_answered"),
    [
        ([signal.SIGINT], 0.1, True),
        ([signal.SIGINT, signal.SIGTERM], 3600, True),
        ([signal.SIGINT, signal.SIGINT], 3600, False),
    ],
)
def test_signal_ends_rankings_in_progress(
    stops: list[signal.Signals], ranking: float, is_answered: bool, fork_server: ForkServer
) -> None:
    """A ranking without end gets a 503 after the grace period, or at once at a second signal."""
    with start(fork_server, SERVE_STUCK.format(ranking=ranking, connection=30)) as process:
        address = httpx.URL(read_url(process))
        with socket.create_connection((address.host, address.port or 0), timeout=30) as client:
            request = httpx.Request("POST", f"{address}/rerank", json=BODY)
            lines = [f"{name}: {value}" for name, value in request.headers.items()]
            head = "\r\n".join(["POST /api/v1/rerank HTTP/1.1", *lines, "", ""])
            client.sendall(head.encode() + request.content)
            assert process.stdout.readline() == "ranking\n"
            for stop in stops:
                process.send_signal(stop)
            reply = client.recv(65_536) if is_answered else b"HTTP/1.1 503"
        status, _, errors = process.end()

    assert reply.startswith(b"HTTP/1.1 503")
    assert (status, errors) == (0, "")


def test_signal_cuts_an_idle_upload(fork_server: ForkServer) -> None:
    """A client that never ends its request is cut after the grace period, and the server stops."""
    with start(fork_server, SERVE_STUCK.format(ranking=0, connection=0)) as process:
        address = httpx.URL(read_url(process))
        with socket.create_connection((address.host, address.port or 0), timeout=30) as client:
            head = "POST /api/v1/rerank HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            client.sendall(
                f"{head}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n".encode()
            )
            assert client.recv(1000).startswith(b"HTTP/1.1 100")
            status, _, errors = process.end(signal.SIGTERM)

    assert status == 0
    assert "Traceback" not in errors


def test_text_of_a_client_reaches_no_log(fork_server: ForkServer) -> None:
    """Whatever a request says and whatever becomes of it, the log shows none of its text."""
    with start(fork_server, SERVE_FAILING) as process:
        url = read_url(process)
        statuses = [send_forged(url, f"a{odd}forged") for odd in ODD]
        _, _, errors = process.end(signal.SIGTERM)

    assert [each[1:3] for each in statuses] == [[400, 404]] * len(ODD)
    assert "forged" not in errors
    assert [odd for odd in ODD if odd != "\n" and odd in errors] == []


def send_forged(url: str, forged: str) -> list[int]:
    """Send a text in each place of a request; return the statuses."""
    body = {"model": forged, "query": forged, "documents": [forged], forged: forged}
    coded = forged.encode().replace(b"\r", b"?").replace(b"\n", b"?")
    headers = [(name, coded) for name in (b"X-Generation-Id", b"Prefer", b"X-Title")]
    with httpx.Client(trust_env=False, timeout=60, headers=headers) as client:
        statuses = [
            client.post(f"{url}/rerank", json=body).status_code,
            client.post(f"{url}/rerank", json={**body, "documents": forged}).status_code,
            client.post(f"{url}/{quote(forged)}", json=body).status_code,
            client.post(f"{url}/rerank", headers={b"Host": coded}, json=body).status_code,
            client.post(f"{url}/rerank", headers={b"Content-Type": coded}, json=body).status_code,
        ]
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=30) as connection:
        connection.sendall(forged.encode() + b" / HTTP/1.1\r\n\r\n")
        connection.recv(65_536)
    return statuses


def test_port_in_use_is_a_typed_error(fork_server: ForkServer) -> None:
    """A second server on one port fails with its own error, before it prints."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        program = SERVE.format(port=taken.getsockname()[1], api_key=None)
        with start(fork_server, program) as process:
            status, output, errors = process.end()

    assert (status, output) == (1, "")
    assert "ServerStartError: cannot listen on 127.0.0.1:" in errors


def test_running_ends_with_its_block(ranker: MiniLMRanker) -> None:
    """After the block nobody listens on the port."""
    with running(ranker) as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert reply.status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{url}/rerank", json=BODY)


def test_running_ends_when_its_block_fails(ranker: MiniLMRanker) -> None:
    """An error in the block is raised from it, and the server still ends."""
    urls: list[str] = []

    with pytest.raises(LookupError), running(ranker) as url:  # noqa: PT012
        urls.append(url)
        raise LookupError

    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{urls[0]}/rerank", json=BODY)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_running_serves_ipv6(ranker: MiniLMRanker) -> None:
    """An IPv6 address works in the URL as it is given."""
    with running(ranker, host="::1") as url:
        reply = httpx.post(f"{url}/rerank", json=BODY)

    assert url.startswith("http://[::1]:")
    assert reply.status_code == 200


def test_rankings_end_before_connections_are_cut() -> None:
    """By default there is time left for the 503 to arrive."""
    assert 0 < GRACE_PERIODS.ranking < GRACE_PERIODS.connection
