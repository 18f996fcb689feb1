"""The cost of decoding a large reply into models."""

from collections.abc import Callable, Hashable, Iterator
from functools import partial

from .adapters import ADAPTERS, DEFAULT, FAST, find_installed
from .canned import LARGE
from .processes import Client, running_clients
from .rounds import Table, make_table, run_rounds
from .servers import Server

CALLS = 5
MILLISECONDS = 1_000
# Row -> the client in whose process it is measured, and the decoder.
DECODINGS = {
    "json.loads": (DEFAULT, "json.loads"),
    "orjson.loads": (FAST, "orjson.loads"),
    DEFAULT: (DEFAULT, "client"),
    FAST: (FAST, "client"),
    "generated from_dict": (DEFAULT, "generated from_dict"),
    "openrouter's pydantic model": ("openrouter", "openrouter's pydantic model"),
}
OFTEN = dict.fromkeys(("json.loads", DEFAULT, FAST), 20)


def measure_decoding(server: Server, rounds: int) -> Iterator[Table]:
    """Measure decoders of the same bytes against `json.loads`."""
    installed = {adapter.name for adapter in find_installed()}
    decodings = {row: found for row, found in DECODINGS.items() if found[0] in installed}
    names = {name for name, _ in decodings.values()}
    with running_clients([ADAPTERS[name] for name in sorted(names)], server) as clients:
        by_name = {client.adapter.name: client for client in clients}
        tasks: dict[Hashable, Callable[[], float]] = {
            row: partial(decode, by_name[name], way) for row, (name, way) in decodings.items()
        }
        run_rounds(tasks, 1)
        samples = run_rounds(tasks, rounds, often=OFTEN)
    title = f"Decoding {LARGE:,} results from bytes"
    yield make_table(
        "decoding",
        title,
        "ms of CPU",
        samples,
        baselines=("json.loads",),
        scale=MILLISECONDS,
    )


def decode(client: Client, way: str) -> float:
    """Measure one decoder."""
    return client.measure("decode", count=LARGE, calls=CALLS, way=way)
