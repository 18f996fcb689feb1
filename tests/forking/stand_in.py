"""
The command as shells and other programs start it, but forked.

A script takes its place. It asks this process for the run by a socket, hands over its arguments,
variables, folder and streams, passes on Ctrl-C and SIGTERM, and ends as the run does.
"""

import os
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from forking import server
from forking.processes import ForkServer

# With no more of Python than it needs: its start would be what a run costs.
_SCRIPT = """\
#!{python} -ISB
import json, os, signal, socket, sys

SIGNALS = signal.SIGINT, signal.SIGTERM
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
with socket.socket(socket.AF_UNIX) as asked, asked.makefile() as replies:
    asked.connect({address!r})
    run = dict(arguments=sys.argv[1:], environment=dict(os.environ), folder=os.getcwd())
    content = json.dumps(run).encode()
    socket.send_fds(asked, [len(content).to_bytes({length_bytes}, "big")], [0, 1, 2])
    asked.sendall(content)
    process_id = int(replies.readline())
    for number in SIGNALS:
        signal.signal(number, lambda number, _: os.kill(process_id, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    sys.exit(int(replies.readline()))
"""


@contextmanager
def standing_in(name: str, folder: Path, fork_server: ForkServer) -> Generator[None]:
    """
    Have a script of that name fork runs of the command, as long as the context lasts.

    Args:
        name: The command's name.
        folder: Where the script is written.
        fork_server: What forks the runs.
    """
    address = str(folder / "socket")
    script = folder / name
    script.write_text(
        _SCRIPT.format(python=sys.executable, address=address, length_bytes=server.LENGTH_BYTES),
        encoding="utf-8",
    )
    script.chmod(0o755)
    with socket.create_server(address, family=socket.AF_UNIX) as listener:
        thread = Thread(target=_pass_on, args=(listener, fork_server))
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _pass_on(listener: socket.socket, fork_server: ForkServer) -> None:
    """Pass each run on, with the connection as where its process id and exit code are wanted."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # it was shut down
            return
        with connection:
            received = server.receive(connection)
            if received is not None:
                run, streams = received
                fork_server.ask(run, [*streams, connection.fileno()])
                for stream in streams:
                    os.close(stream)
