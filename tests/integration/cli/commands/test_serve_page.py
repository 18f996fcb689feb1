"""The command `serve` says where its page is."""

import os
import pty
import subprocess
import sys

import httpx


def test_a_terminal_is_told_of_the_page(environment: dict[str, str]) -> None:
    """A person sees where the page is, and a script still reads one line."""
    reader, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "openrouter_rerank.cli", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().partition("=")[2]
            said = os.read(reader, 1000).decode()
            page = httpx.get(said.partition(": ")[2].strip())
        finally:
            process.terminate()
            rest, _ = process.communicate(timeout=30)
            os.close(terminal)
            os.close(reader)

    assert "<title>Try a ranking</title>" in page.text
    assert said.strip() == f"A page to try it by hand: {url.removesuffix('api/v1')}"
    assert rest == ""
