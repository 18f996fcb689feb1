"""`httpx2.alias_httpx()`, which makes a process's httpx be httpx2."""

import subprocess
import sys
from pathlib import Path

import pytest
from integration.client import faults
from integration.client.conftest import Serve

pytest.importorskip("httpx2", reason="httpx2 is not installed")

TESTS = Path(__file__).parents[2]
# Some rows of each table, and every way of a client of the caller's own.
SAMPLE = (
    "(closed or reset or lengths or headers or bomb or 503 or 1e400 or own_clients) and not httpx2"
)
ALIASED_PYTEST = """
import sys
import httpx2
httpx2.alias_httpx()
import httpx, pytest
assert httpx is httpx2
sys.exit(pytest.main(sys.argv[1:]))
"""
CALL = """
from openrouter_rerank import OpenRouter
with OpenRouter("a-key", server_url={url!r}, timeout=httpx.Timeout(5)) as client:
    ranking = client.rerank.rank(["first", "second"], model="m", query="q")
print(ranking[0].item, httpx.__name__)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        capture_output=True,
        check=False,
        cwd=TESTS.parent,
        text=True,
    )


def test_faults_end_as_ever_after_it() -> None:
    """Our connections, and own clients and transports, meet faults as they do without it."""
    done = run(
        ALIASED_PYTEST,
        *("-q", "-p", "no:cacheprovider", "-p", "no:pytest_httpx", "-p", "no:respx"),
        *("-p", "no:xdist", "-p", "no:randomly", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
        *("-k", SAMPLE),
        str(TESTS / "integration/client/fault_tables/test_faults.py"),
        str(TESTS / "integration/client/test_own_clients.py"),
    )

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


@pytest.mark.parametrize("first", ["import httpx2", "import openrouter_rerank; import httpx2"])
def test_it_may_come_before_the_client(first: str, serve: Serve) -> None:
    """Called before the client is imported, it makes the client use httpx2."""
    server = serve(faults.ok)

    done = run(f"{first}; httpx2.alias_httpx(); import httpx{CALL.format(url=server.url)}")

    assert (done.stdout, done.stderr) == ("first httpx2\n", "")


def test_it_refuses_to_come_after_the_client(serve: Serve) -> None:
    """Called later it raises httpx2's own error, and the client goes on with httpx."""
    server = serve(faults.ok)
    program = f"""
import httpx2
from openrouter_rerank import OpenRouter
try:
    httpx2.alias_httpx()
except RuntimeError as error:
    print(error)
import httpx
{CALL.format(url=server.url)}
"""

    done = run(program)

    assert done.stdout.startswith("httpx was already imported")
    assert done.stdout.endswith("\nfirst httpx\n")


def test_half_of_it_is_refused() -> None:
    """Where httpcore was imported before, and so is not replaced, the client says what to do."""
    program = """
import httpcore, httpx2
try:
    httpx2.alias_httpx()
except RuntimeError:
    pass
from openrouter_rerank import OpenRouter
try:
    OpenRouter("a-key")
except RuntimeError as error:
    print(error)
"""

    done = run(program)

    assert done.stdout == (
        "httpx is httpx2, but httpcore is not httpcore2: call httpx2.alias_httpx() before anything"
        " imports httpcore\n"
    )
