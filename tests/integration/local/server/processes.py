"""Servers as processes of their own."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

BODY: dict[str, object] = {"model": "m", "query": "q", "documents": ["a", "b"]}


@contextmanager
def start(program: str) -> Generator[subprocess.Popen[str]]:
    """Run a Python program, and always end it."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_url(process: subprocess.Popen[str]) -> str:
    """Wait for the line that says how to use the server, and return its address."""
    assert process.stdout is not None
    name, _, url = process.stdout.readline().rstrip("\n").partition("=")
    assert name == "export OPENROUTER_BASE_URL"
    return url
