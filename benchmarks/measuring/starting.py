"""The cost of the import, of the client, of the first reply, and of memory."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .adapters import BASELINES, DEFAULT, FLOOR, LITELLM, Adapter, find_installed
from .canned import HUGE, SMALL
from .processes import run_fresh
from .rounds import Samples, Table, make_table, run_rounds
from .servers import Server
from .worker import write_url

MILLISECONDS = 1_000
# A call of the same bytes takes the same memory: in nine rounds few rows differed by over 1 %.
MEMORY_ROUNDS = 1
OFTEN = dict.fromkeys((*BASELINES, DEFAULT), 10)
# It takes seconds to start, half the time of all clients together.
SLOW = (LITELLM,)
MEBIBYTES = 1 / 1024**2
# A socket, and a function: neither has a client to construct.
WITHOUT_CLIENT = (FLOOR, LITELLM)


def find_blocking() -> list[Adapter]:
    """Return the installed clients that have blocking calls."""
    return [adapter for adapter in find_installed() if adapter.open_sync]


def measure_start(server: Server, rounds: int) -> Iterator[Table]:
    """Measure import, construction and the first reply, each in new processes."""
    imports = [adapter for adapter in find_installed() if adapter.name != FLOOR]
    samples = repeat(imports, lambda adapter: run_fresh("import", adapter)[0], rounds, OFTEN)
    yield make_table(
        "import", "Import", "ms of CPU", samples, baselines=BASELINES, scale=MILLISECONDS
    )
    url = write_url(server.plain, SMALL)
    yield from measure_construction(url, rounds)
    blocking = find_blocking()
    samples = repeat(blocking, lambda adapter: run_fresh("reply", adapter, url)[0], rounds, OFTEN)
    yield make_table(
        "first-reply",
        "First decoded reply, the whole process from its start to its end",
        "ms of CPU",
        samples,
        baselines=BASELINES,
        scale=MILLISECONDS,
    )


def measure_construction(url: str, rounds: int) -> Iterator[Table]:
    """Measure the first client of a process and those after it."""
    adapters = [adapter for adapter in find_blocking() if adapter.name not in WITHOUT_CLIENT]
    later: dict[str, list[float]] = {adapter.name: [] for adapter in adapters}

    def construct(adapter: Adapter) -> float:
        first, following = run_fresh("construct", adapter, url)
        later[adapter.name].append(following)
        return first

    first = repeat(adapters, construct, rounds)
    for key, title, samples in (
        ("construct-first", "A client constructed, the first of a process", first),
        ("construct-later", "A client constructed, after the first of a process", later),
    ):
        yield make_table(key, title, "ms of CPU", samples, baselines=BASELINES, scale=MILLISECONDS)


def measure_memory(server: Server, rounds: int) -> Iterator[Table]:
    """Measure the memory that one very large call takes, in two ways."""
    url = write_url(server.plain, HUGE)
    for task, how in (
        ("traced", "peak of what Python's allocator hands out (tracemalloc)"),
        ("resident", "growth of the process's peak resident memory"),
    ):

        def measure(adapter: Adapter, task: str = task) -> float:
            return run_fresh(task, adapter, url, f"{HUGE}")[0]

        yield make_table(
            f"memory-{task}",
            f"Memory for one call of {HUGE:,} documents: {how}",
            "MiB",
            repeat(find_blocking(), measure, min(rounds, MEMORY_ROUNDS)),
            baselines=BASELINES,
            scale=MEBIBYTES,
        )


def repeat(
    adapters: Sequence[Adapter],
    measure: Callable[[Adapter], float],
    rounds: int,
    often: Mapping[Any, int] | None = None,
) -> Samples:
    """Measure each client once a round, slow ones in the first only, some more often."""
    tasks: dict[Hashable, Callable[[], float]] = {
        adapter.name: partial(measure, adapter) for adapter in adapters
    }
    return run_rounds(tasks, rounds, often=often, slow=SLOW)
