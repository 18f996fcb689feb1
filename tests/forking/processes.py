"""Runs of the command as processes that are quick to start."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer

from forking import server

TIMEOUT_SECONDS = 60
Completed = subprocess.CompletedProcess[bytes]


class ForkedProcess:
    """
    A run that was forked.

    Args:
        replies: The pipe on which the process id comes, and the exit code at its end.

    Attributes:
        pid: Its process id.
    """

    def __init__(self, replies: int) -> None:
        # Unbuffered, so that select sees all that was not read.
        self._replies = os.fdopen(replies, "rb", buffering=0)
        self.pid = self._read()

    def wait(self) -> int:
        """Wait for its end, and return its exit code; a signal's is negative."""
        try:
            return self._read()
        finally:
            self._replies.close()

    def kill(self) -> None:
        """Kill it, whether it has ended or not."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def _read(self) -> int:
        assert select.select([self._replies], [], [], TIMEOUT_SECONDS)[0], "the run hangs"
        return int(self._replies.readline())


class ForkServer:
    """The process that runs are forked from; it is started by the first run."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[int]
    ) -> ForkedProcess:
        """
        Start a run.

        Args:
            arguments: What follows the command's name.
            environment: All its variables; those of Python's own come too late.
            streams: Descriptors of its standard input, output and error; they stay open here.
        """
        replies, reply = os.pipe()
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(Path.cwd()),
        }
        content = json.dumps(request).encode()
        requests = self._open()
        try:
            head = len(content).to_bytes(server.LENGTH_BYTES, "big")
            socket.send_fds(requests, [head], [*streams, reply])
            requests.sendall(content)
        finally:
            os.close(reply)
        return ForkedProcess(replies)

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes = b""
    ) -> Completed:
        """Run to the end with pipes for the three streams; one that hangs is killed."""
        pipes = [os.pipe() for _ in range(3)]
        (stdin_end, feed), (out, stdout_end), (err, stderr_end) = pipes
        ends = (stdin_end, stdout_end, stderr_end)
        with ThreadPoolExecutor(3) as threads:
            process = self.start(arguments, environment, ends)
            for end in ends:
                os.close(end)
            timer = Timer(TIMEOUT_SECONDS, process.kill)
            timer.start()
            written = threads.submit(write_all, feed, stdin)
            output, errors = threads.map(read_all, (out, err))
            written.result()
            timer.cancel()
        return Completed(list(arguments), process.wait(), output, errors)

    def close(self) -> None:
        """End the process."""
        if self._process is not None and self._requests is not None:
            self._requests.close()
            self._process.wait(TIMEOUT_SECONDS)

    def _open(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", server.__file__, str(theirs.fileno())],
                    env={**os.environ, "PYTHONUTF8": "1"},
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                )
        return self._requests


def write_all(descriptor: int, content: bytes) -> None:
    """Write to a pipe and close it; who reads may go away first."""
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)


def read_all(descriptor: int) -> bytes:
    """Read a pipe to its end."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()
