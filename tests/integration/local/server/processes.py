"""Servers as processes of their own."""

import os
from contextlib import AbstractContextManager

from forking.processes import ForkServer, PipedProcess

BODY: dict[str, object] = {"model": "m", "query": "q", "documents": ["a", "b"]}


def start(commands: ForkServer, program: str) -> AbstractContextManager[PipedProcess]:
    """Run a Python program in a fork, with warnings as errors, and always end it."""
    return commands.open([], os.environ, program=program)


def read_url(process: PipedProcess) -> str:
    """Wait for the line that says how to use the server, and return its address."""
    return parse_url(process.stdout.readline())


def parse_url(line: str) -> str:
    """Return the address in the line that says how to use the server."""
    name, _, url = line.rstrip("\n").partition("=")
    assert name == "export OPENROUTER_BASE_URL"
    return url
