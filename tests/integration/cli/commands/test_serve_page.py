"""The command `serve` says where its page is."""

import os
import pty
import signal

import httpx
from forking.processes import ForkServer


def test_a_terminal_is_told_of_the_page(
    environment: dict[str, str], fork_server: ForkServer
) -> None:
    """A person sees where the page is, and a script still reads one line."""
    reader, terminal = pty.openpty()
    source, output = os.pipe()
    process = fork_server.start(["serve", "--port", "0"], environment, [terminal, output, terminal])
    os.close(output)
    with os.fdopen(source) as lines:
        try:
            url = lines.readline().strip().partition("=")[2]
            said = os.read(reader, 1000).decode()
            page = httpx.get(said.partition(": ")[2].strip())
        finally:
            process.send_signal(signal.SIGTERM)
            rest = lines.read()
            process.wait()
            os.close(terminal)
            os.close(reader)

    assert "<title>Try a ranking</title>" in page.text
    assert said.strip() == f"A page to try it by hand: {url.removesuffix('api/v1')}"
    assert rest == ""
