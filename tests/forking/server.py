"""
Run as a process: forks runs on request, where modules are imported and the model is loaded already.

Both take most of the time of a short run. A run is the command, or a program in Python. It is a
process like any other: it has streams, variables, a folder and signals of its own, and ends as an
interpreter does. It only starts after the interpreter has, so no variable of Python's changes it.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any

LENGTH_BYTES = 8
# Standard input, output and error of the run, and where its process id and exit status are wanted.
STREAMS = 4
STREAM_NAMES = ("stdin", "stdout", "stderr")
# What the commands import when they first need it.
PRELOADED = (
    "openrouter_rerank._call.caller", "openrouter_rerank.evaluation",
    "openrouter_rerank.local._app.application", "openrouter_rerank.local._server.startup",
    "semantic_text_splitter", "tokenizers", "uvicorn.loops.auto", "uvicorn.protocols.http.auto",
)  # fmt: skip


def receive(requests: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Receive what to run, and its streams; None when nobody asks any more."""
    head, streams, *_ = socket.recv_fds(requests, LENGTH_BYTES, STREAMS)
    if not head:
        return None
    content = requests.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    return json.loads(content), streams


def load_model() -> None:
    """
    Load the model of `--local` without starting a thread, which no fork would have.

    With one processor onnxruntime starts none, and the tokenizer's are forbidden.
    """
    from openrouter_rerank.local import LOCAL

    if not hasattr(os, "sched_setaffinity"):
        return
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    with suppress(ImportError):
        LOCAL.load()
    os.sched_setaffinity(0, processors)


def answer(reply: int, number: int) -> None:
    """Send a number; who asked may have been killed meanwhile."""
    with suppress(BrokenPipeError):
        os.write(reply, f"{number}\n".encode())


def report_ended(replies: dict[int, int]) -> None:
    """Tell the exit code of each run that has ended; a signal's is negative."""
    while replies:
        process_id, status = os.waitpid(-1, os.WNOHANG)
        if process_id == 0:
            return
        reply = replies.pop(process_id)
        answer(reply, os.waitstatus_to_exitcode(status))
        os.close(reply)


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Make of this fork what was asked for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    # As the interpreter makes them in its UTF-8 mode; those that are there know what was before.
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
    if "PYTHONUNBUFFERED" in request["environment"]:
        sys.stdout.reconfigure(line_buffering=True)
    closed: list[int] = request.get("closed", [])
    for target in closed:
        os.close(target)
        setattr(sys, STREAM_NAMES[target], None)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]


def ignore_signal(_number: int, _frame: object) -> None:
    """Do nothing."""


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork a run for each request; return the request in its fork, and None at the end."""
    ended, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    # With a handler, even one that does nothing, the signal wakes select up.
    signal.signal(signal.SIGCHLD, ignore_signal)
    replies: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests, ended], [], [])
        if ended in ready:
            ended.recv(4096)
            report_ended(replies)
        if requests in ready:
            received = receive(requests)
            if received is None:
                return None
            request, (*streams, reply) = received
            for name in request.get("imports", ()):
                import_module(name)
            # Otherwise each fork, at its end, collects and so copies what they all share.
            gc.freeze()
            process_id = os.fork()
            if process_id == 0:
                become(request, streams)
                return request
            for stream in streams:
                os.close(stream)
            replies[process_id] = reply
            answer(reply, process_id)


if __name__ == "__main__":
    from openrouter_rerank.cli import main
    from openrouter_rerank.cli._app import run

    for name in PRELOADED:
        with suppress(ModuleNotFoundError):
            import_module(name)
    load_model()
    run(["batch", os.devnull, "-o", os.devnull])
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is not None and request.get("program") is None:
        sys.exit(main())
    if request is not None:
        warnings.simplefilter("error")
        # Here, so that its variables live as long as those of a program do.
        exec(request["program"])  # noqa: S102  a test wrote it
