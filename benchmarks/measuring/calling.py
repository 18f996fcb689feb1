"""The cost of calls by size, scheme, concurrency and number of documents."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import product

from .adapters import (
    AIOHTTP,
    BASELINES,
    DEFAULT,
    FAST,
    FLOOR,
    LITELLM,
    OVER_AIOHTTP,
    find_installed,
)
from .canned import COUNTS, HUGE, LARGE, SMALL
from .processes import Client, running_clients
from .rounds import Samples, Table, divide, make_table, run_rounds
from .servers import Server

CPU = "ms of CPU per call"
MILLISECONDS = 1_000
FEW_AT_ONCE, MANY_AT_ONCE = 10, 200
CALLS_AT_ONCE = (1, FEW_AT_ONCE, 50, MANY_AT_ONCE)
# Enough for one measurement to take some 15 milliseconds and more. Short ones in close turn tell
# more than long ones: a machine that others share keeps its speed for some tenths of a second.
CALLS = {10: 20, 100: 20, 1_000: 4, 10_000: 3}
CALLS_OFTEN, AIOHTTP_OFTEN, OFTEN = 40, 16, 4
ASYNC_CALLS = 200
ASYNC_CALLS_EACH = 3
# Each takes several times what the others take.
SLOW = ("openrouter", "cohere", LITELLM)
GROWING = (FLOOR, *BASELINES, DEFAULT, FAST, "openrouter")
COMPARED = (*BASELINES, DEFAULT, FAST)

Measure = Callable[[Client], float]
# A table and a row of it.
Task = tuple[str, str]


def measure_calls(server: Server, rounds: int) -> Iterator[Table]:
    """Measure blocking calls, over plain HTTP and over TLS."""
    titles = {
        f"sync-{SMALL}": f"Blocking calls, small: {SMALL} documents",
        f"sync-{LARGE}": f"Blocking calls, large: {LARGE:,} documents",
        f"tls-sync-{SMALL}": f"Blocking calls over TLS, small: {SMALL} documents",
    }
    measures = {
        f"sync-{SMALL}": blocking(server.plain, SMALL),
        f"sync-{LARGE}": blocking(server.plain, LARGE),
        f"tls-sync-{SMALL}": blocking(server.secure, SMALL),
    }
    adapters = [adapter for adapter in find_installed() if adapter.open_sync]
    with running_clients(adapters, server) as clients:
        often = dict.fromkeys(pair((f"sync-{SMALL}", f"sync-{LARGE}"), COMPARED), CALLS_OFTEN)
        samples = contest(clients, measures, rounds, often)
    yield from make_tables(titles, samples)


def measure_concurrency(server: Server, rounds: int) -> Iterator[Table]:
    """Measure async calls, from one at once to many, and over TLS."""
    titles = {
        f"async-{at_once}": f"Async calls, {at_once} at once, small: {SMALL} documents"
        for at_once in CALLS_AT_ONCE
    }
    measures = {f"async-{at_once}": together(server.plain, at_once) for at_once in CALLS_AT_ONCE}
    titles["tls-async-50"] = f"Async calls over TLS, 50 at once, small: {SMALL} documents"
    measures["tls-async-50"] = together(server.secure, 50)
    many, few = f"async-{MANY_AT_ONCE}", f"async-{FEW_AT_ONCE}"
    # Not hand-written httpx: it takes ten times as long, and its goals are far from their bounds.
    often = dict.fromkeys(pair((many, few), (DEFAULT, FAST)), OFTEN)
    often |= dict.fromkeys(pair(("async-50",), (AIOHTTP, OVER_AIOHTTP)), AIOHTTP_OFTEN)
    slow = pair((many,), [adapter.name for adapter in find_installed()]) - often.keys()
    with running_clients(find_installed(), server) as clients:
        samples = contest(clients, measures, rounds, often, slow)
    yield from make_tables(titles, samples)
    growth = {name: divide(samples[many][name], samples[few][name]) for name in samples[many]}
    title = f"CPU per call at {MANY_AT_ONCE} at once, as a multiple of that at {FEW_AT_ONCE}"
    yield make_table("concurrency", title, "x", growth)
    yield from compare_with_aiohttp(samples["async-50"])


def compare_with_aiohttp(samples: Samples) -> Iterator[Table]:
    """Hold the client over httpx-aiohttp against aiohttp by hand; nothing if one is missing."""
    pair = {name: samples[name] for name in (AIOHTTP, OVER_AIOHTTP) if name in samples}
    if len(pair) == 2:
        title = f"The same over aiohttp, against aiohttp by hand: 50 at once, {SMALL} documents"
        yield make_table("over-aiohttp", title, CPU, pair, baselines=(AIOHTTP,), scale=MILLISECONDS)


def measure_documents(server: Server, rounds: int) -> Iterator[Table]:
    """Measure blocking calls from few documents to very many."""
    titles = {f"documents-{count}": f"Blocking calls, {count:,} documents" for count in COUNTS}
    measures = {f"documents-{count}": blocking(server.plain, count) for count in COUNTS}
    adapters = [adapter for adapter in find_installed() if adapter.name in GROWING]
    with running_clients(adapters, server) as clients:
        # Each client's counts are compared with each other, so they are measured close together.
        keys = [f"documents-{count}" for count in (SMALL, LARGE, HUGE)]
        often = dict.fromkeys(pair(keys, COMPARED), OFTEN)
        samples = contest(clients, measures, rounds, often, by_client=True)
    yield from make_tables(titles, samples)
    early = subtract(samples, SMALL, LARGE)
    late = subtract(samples, LARGE, HUGE)
    growth = {name: divide(late[name], early[name]) for name in late}
    title = (
        f"Cost of one more document from {LARGE:,} to {HUGE:,}, "
        f"as a multiple of that from {SMALL} to {LARGE:,}"
    )
    yield make_table("linearity", title, "x", growth, baselines=BASELINES)


def subtract(samples: Mapping[str, Samples], low: int, high: int) -> dict[str, list[float]]:
    """Return the cost of one more document between two counts, by client and round."""
    before, after = samples[f"documents-{low}"], samples[f"documents-{high}"]
    return {
        name: [(b - a) / (high - low) for a, b in zip(before[name], after[name], strict=True)]
        for name in before
    }


def blocking(origin: str, count: int) -> Measure:
    """Return a function that measures a series of blocking calls."""
    return lambda client: client.measure("call", origin=origin, count=count, calls=CALLS[count])


def together(origin: str, at_once: int) -> Measure:
    """Return a function that measures a series of async calls."""
    calls = max(ASYNC_CALLS, ASYNC_CALLS_EACH * at_once)
    return lambda client: client.measure(
        "call_async", origin=origin, count=SMALL, calls=calls, at_once=at_once
    )


def contest(
    clients: Sequence[Client],
    measures: Mapping[str, Measure],
    rounds: int,
    often: Mapping[Task, int],
    slow: Set[Task] = frozenset(),
    *,
    by_client: bool = False,
) -> dict[str, Samples]:
    """
    Measure the clients in turn; for all but the slow ones, one round before does not count.

    Args:
        clients: The clients to measure.
        measures: The measurements, by table.
        rounds: How many rounds count.
        often: The rows of tables that have more rounds, and how many times as many.
        slow: Those that have fewer, besides those of `SLOW`.
        by_client: Whether all measures of a client follow each other, instead of all clients of a
            measure.

    Returns:
        The samples by table, then by client.
    """
    order = [(key, client) for key in measures for client in clients]
    if by_client:
        order.sort(key=lambda task: clients.index(task[1]))
    tasks: dict[Hashable, Callable[[], float]] = {
        (key, client.adapter.name): partial(measures[key], client) for key, client in order
    }
    slow = pair(measures, SLOW) | slow
    run_rounds({key: task for key, task in tasks.items() if key not in slow}, 1)
    samples = run_rounds(tasks, rounds, often=often, slow=slow)
    names = [client.adapter.name for client in clients]
    return {key: {name: samples[key, name] for name in names} for key in measures}


def pair(keys: Iterable[str], names: Sequence[str]) -> set[Task]:
    """Pair each of the tables with each of the rows."""
    return set(product(keys, names))


def make_tables(titles: Mapping[str, str], samples: Mapping[str, Samples]) -> Iterator[Table]:
    """Reduce the samples of calls to tables."""
    for key, title in titles.items():
        yield make_table(key, title, CPU, samples[key], baselines=BASELINES, scale=MILLISECONDS)
