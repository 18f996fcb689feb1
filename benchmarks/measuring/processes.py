"""The measured processes, as the main process starts and uses them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .adapters import Adapter
from .installations import find_hidden
from .servers import Server

WORKER = Path(__file__).with_name("worker.py")
FRESH = Path(__file__).with_name("fresh.py")
# They would send a client elsewhere, or change the cost of Python.
HIDDEN_VARIABLES = (
    "OPENROUTER_",
    "OPENAI_",
    "CO_API",
    "COHERE_",
    "LITELLM_",
    "PYTHON",
    "SSL_CERT_",
)


class Client:
    """A process that holds one client open."""

    def __init__(self, adapter: Adapter, process: subprocess.Popen[str]) -> None:
        """Take the running process."""
        self.adapter = adapter
        self._process = process

    def measure(self, task: str, **arguments: str | int) -> float:
        """
        Run a task of `worker.Worker`.

        Returns:
            CPU seconds for one call.

        Raises:
            RuntimeError: The process failed; it has said why on standard error.
        """
        if not (self._process.stdin and self._process.stdout):
            raise RuntimeError("the process has no pipes")
        print(json.dumps({"task": task, **arguments}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.adapter.name}: {task} {arguments} failed")
        return float(answer)


@contextmanager
def running_clients(adapters: Iterable[Adapter], server: Server) -> Iterator[list[Client]]:
    """Run a process for each client."""
    with ExitStack() as stack:
        clients: list[Client] = []
        for adapter in adapters:
            process = subprocess.Popen(  # noqa: S603 - a program of the benchmark's own
                [sys.executable, WORKER, write_hidden(adapter), adapter.name],
                env=make_environment() | {"SSL_CERT_FILE": str(server.certificate)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            clients.append(Client(adapter, process))
        yield clients


def write_hidden(adapter: Adapter) -> str:
    """Name the modules that the client's own installation would not bring, as JSON."""
    return json.dumps(find_hidden(adapter.packages))


def make_environment() -> dict[str, str]:
    """
    Return the environment of a measured process: no proxies, only the usual certificates.

    With a single certificate an httpx client costs 0.4 ms instead of 14 ms, so only a process that
    makes its client before anything is timed may use one.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(HIDDEN_VARIABLES) and not name.lower().endswith("_proxy")
    }
    # litellm would fetch its list of prices from the network at each import.
    return {**kept, "PYTHONHASHSEED": "0", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def run_fresh(task: str, adapter: Adapter, *arguments: str) -> list[float]:
    """
    Run a task of `fresh.py` in a process of its own.

    Returns:
        What it measured, or for `reply` the CPU seconds of the whole process.

    Raises:
        RuntimeError: The process failed; it has said why on standard error.
    """
    command = [sys.executable, str(FRESH), write_hidden(adapter), task, adapter.name, *arguments]
    environment = make_environment()
    with subprocess.Popen(  # noqa: S603 - a program of the benchmark's own
        command, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{adapter.name}: {task} failed")
    measured: list[float] = json.loads(said.splitlines()[-1])
    return measured or [usage.ru_utime + usage.ru_stime]
