"""
A program that does one thing first in a new process, and prints its cost.

    fresh.py HIDDEN import ADAPTER
    fresh.py HIDDEN construct ADAPTER BASE_URL
    fresh.py HIDDEN reply ADAPTER BASE_URL
    fresh.py HIDDEN traced ADAPTER BASE_URL COUNT
    fresh.py HIDDEN resident ADAPTER BASE_URL COUNT

HIDDEN is a JSON list of modules that appear not to be installed.

The answer is a list of numbers: CPU seconds, or bytes. For `reply` it is empty, since the caller
measures the whole process.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from measuring.adapters import ADAPTERS, Adapter
from measuring.clients import Sync
from measuring.hiding import Hider

LATER_CONSTRUCTIONS = 20
FIRST_COUNT = 10
STATUS = Path("/proc/self/status")


def open_sync(adapter: Adapter, base_url: str) -> Sync:
    """Make the client, which has to have blocking calls."""
    if adapter.open_sync is None:
        raise ValueError(f"{adapter.name} has no blocking calls")
    return adapter.open_sync(base_url)


def import_client(adapter: Adapter) -> None:
    """Do what `from module import name` does."""
    getattr(__import__(adapter.modules[0]), adapter.imported)


def measure_import(adapter: Adapter) -> list[float]:
    """Measure the import of what the client's user imports."""
    start = time.process_time()
    import_client(adapter)
    return [time.process_time() - start]


def measure_construction(adapter: Adapter, base_url: str) -> list[float]:
    """Measure the first client of the process, then the average of the next ones."""
    import_client(adapter)
    start = time.process_time()
    kept = [open_sync(adapter, base_url)]
    first = time.process_time()
    kept += [open_sync(adapter, base_url) for _ in range(LATER_CONSTRUCTIONS)]
    end = time.process_time()
    for _, close in kept:
        close()
    return [first - start, (end - first) / LATER_CONSTRUCTIONS]


def get_reply(adapter: Adapter, base_url: str) -> list[float]:
    """Get one decoded reply."""
    from measuring.canned import write_documents

    call, close = open_sync(adapter, base_url)
    adapter.make_checker(FIRST_COUNT).check_whole(call(write_documents(FIRST_COUNT)))
    close()
    return []


def measure_traced(adapter: Adapter, base_url: str, count: str) -> list[float]:
    """Measure how much a call adds to the peak of memory that Python allocates."""
    import tracemalloc

    from measuring.canned import write_documents

    call, close = open_sync(adapter, base_url)
    documents = write_documents(int(count))
    call(documents)
    tracemalloc.start()
    reply = call(documents)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    adapter.make_checker(int(count)).check_whole(reply)
    close()
    return [peak]


def measure_resident(adapter: Adapter, base_url: str, count: str) -> list[float]:
    """Measure how much a call adds to the process's peak of resident memory."""
    from measuring.canned import write_documents

    call, close = open_sync(adapter, base_url)
    documents = write_documents(int(count))
    # A first, small call, so that what it imports is not counted.
    small = base_url.replace(f"/{count}/", f"/{FIRST_COUNT}/")
    first_call, close_first = open_sync(adapter, small)
    first_call(documents[:FIRST_COUNT])
    before = read_peak()
    reply = call(documents)
    peak = read_peak() - before
    adapter.make_checker(int(count)).check_whole(reply)
    close()
    close_first()
    return [peak]


def read_peak() -> int:
    """Return the most memory that was ever resident, in bytes."""
    if STATUS.exists():
        # On Linux a child process inherits the peak that getrusage reports from its parent.
        (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


TASKS: dict[str, Callable[..., list[float]]] = {
    "import": measure_import,
    "construct": measure_construction,
    "reply": get_reply,
    "traced": measure_traced,
    "resident": measure_resident,
}

if __name__ == "__main__":
    hidden, task, name, *arguments = sys.argv[1:]
    Hider(json.loads(hidden)).hide()
    print(TASKS[task](ADAPTERS[name], *arguments))
