"""Runs of the command as processes that are quick to start."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer
from typing import Any

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
        returncode: Its exit code, a signal's is negative; None before its end was waited for.
    """

    def __init__(self, replies: int) -> None:
        # Unbuffered, so that select sees all that was not read.
        self._replies = os.fdopen(replies, "rb", buffering=0)
        self.pid = self._read()
        self.returncode: int | None = None

    def wait(self) -> int:
        """Wait for its end, and return its exit code; a signal's is negative."""
        if self.returncode is None:
            with self._replies:
                self.returncode = self._read()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, whether it has ended or not."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, whether it has ended or not."""
        self.send_signal(signal.SIGKILL)

    def _read(self) -> int:
        assert select.select([self._replies], [], [], TIMEOUT_SECONDS)[0], "the run hangs"
        return int(self._replies.readline())


class PipedProcess:
    """
    A run that was forked with pipes for its streams, as text.

    Attributes:
        stdin: What it reads.
        stdout: What it writes.
        stderr: Its messages.
    """

    def __init__(self, process: ForkedProcess, feed: int, output: int, errors: int) -> None:
        self._process = process
        self.wait = process.wait
        self.send_signal = process.send_signal
        self.stdin = os.fdopen(feed, "w", encoding="utf-8")
        self.stdout = os.fdopen(output, encoding="utf-8")
        self.stderr = os.fdopen(errors, encoding="utf-8")

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        """
        Close its input, and wait for its end.

        Args:
            number: A signal to send it; None sends none.

        Returns:
            Its exit code, and the rest of what it writes to its standard output and error.
        """
        if number is not None:
            self._process.send_signal(number)
        timer = Timer(TIMEOUT_SECONDS, self._process.kill)
        timer.start()
        with contextlib.suppress(BrokenPipeError):
            self.stdin.close()
        with ThreadPoolExecutor(1) as threads:
            errors = threads.submit(self.stderr.read)
            output = self.stdout.read()
        timer.cancel()
        return self._process.wait(), output, errors.result()

    def close(self) -> None:
        """Kill it if it has not ended, and close the pipes."""
        self._process.kill()
        self._process.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


class ForkServer:
    """The process that runs are forked from; it is started by the first run."""

    def __init__(self) -> None:
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        streams: Sequence[int],
        *,
        program: str | None = None,
        imports: Sequence[str] = (),
        closed: Sequence[int] = (),
    ) -> ForkedProcess:
        """
        Start a run.

        Args:
            arguments: What follows the command's name.
            environment: All its variables; those of Python's own come too late.
            streams: Descriptors of its standard input, output and error; they stay open here.
            program: What to run, in Python and with warnings as errors; None runs the command.
            imports: Modules that this and all later runs find imported.
            closed: Which of 0, 1 and 2 it finds closed, as a shell's `>&-` leaves it.
        """
        replies, reply = os.pipe()
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(Path.cwd()),
            "program": program,
            "imports": list(imports),
            "closed": list(closed),
        }
        try:
            self.ask(request, [*streams, reply])
        finally:
            os.close(reply)
        return ForkedProcess(replies)

    @contextlib.contextmanager
    def open(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        program: str | None = None,
        imports: Sequence[str] = (),
    ) -> Generator[PipedProcess]:
        """Start a run with pipes for the three streams, and end it if the block did not."""
        (stdin_end, feed), (out, stdout_end), (err, stderr_end) = (os.pipe() for _ in range(3))
        ends = (stdin_end, stdout_end, stderr_end)
        started = self.start(arguments, environment, ends, program=program, imports=imports)
        for end in ends:
            os.close(end)
        process = PipedProcess(started, feed, out, err)
        try:
            yield process
        finally:
            process.close()

    def ask(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        """
        Ask for a run.

        Args:
            request: Its arguments, its environment and its folder, and what else `start` has.
            descriptors: Its standard input, output and error, and where its process id and its exit
                code are wanted.
        """
        content = json.dumps(request).encode()
        requests = self._open()
        head = len(content).to_bytes(server.LENGTH_BYTES, "big")
        socket.send_fds(requests, [head], descriptors)
        requests.sendall(content)

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stdin: bytes = b"",
        *,
        program: str | None = None,
    ) -> Completed:
        """Run to the end with pipes for the three streams; one that hangs is killed."""
        pipes = [os.pipe() for _ in range(3)]
        (stdin_end, feed), (out, stdout_end), (err, stderr_end) = pipes
        ends = (stdin_end, stdout_end, stderr_end)
        with ThreadPoolExecutor(3) as threads:
            process = self.start(arguments, environment, ends, program=program)
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
