"""
What a cache saves and costs: `python benchmarks/cache.py SCIFACT`, with a folder in BEIR's form.

It measures a hit, a sweep of depths in both orders against the embedded server, eight processes on
one folder, and whether anything wrong is read after writers were killed a hundred times.
"""

import gzip
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from sqlite3 import connect
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from openrouter_rerank import Cache, DiskCache, MemoryCache, OpenRouter
from openrouter_rerank._codec.request import encode_request
from openrouter_rerank.local import running

DEPTHS = (10, 20, 50, 100)
QUERIES = 3
ROUNDS = 3000
PROCESSES = 8
KILLS = 100
SECONDS = 5.0
ASK: dict[str, Any] = {"model": "local/minilm", "query": "What is the capital of France?"}

WORKER = """
import sys, time
from hashlib import sha256
from random import Random
from openrouter_rerank import DiskCache
folder, seed, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
cache, random = DiskCache(folder), Random(seed)
print("begun", flush=True)
ends_at = time.monotonic() + seconds
reads = writes = wrong = 0
longest = 0.0
while time.monotonic() < ends_at:
    keys = [sha256(b"%d" % random.randrange(20_000)).digest() for _ in range(10)]
    began_at = time.monotonic()
    found = cache.get_many(keys)
    reads += len(keys)
    wrong += sum(value not in (None, key * 100) for key, value in zip(keys, found))
    missing = {key: key * 100 for key, value in zip(keys, found) if value is None}
    if missing:
        cache.set_many(missing)
        writes += len(missing)
    longest = max(longest, time.monotonic() - began_at)
print(reads, writes, wrong, longest)
"""


def measure_hits(url: str) -> None:
    """Print how long a hit of 10 documents takes beyond encoding its request."""
    documents = [f"Passage {number} of a text on Paris and London. " * 20 for number in range(10)]
    encode = partial(encode_request, documents=documents, **ASK)
    with TemporaryDirectory() as folder:
        caches: dict[str, Cache] = {
            "memory": MemoryCache(),
            "disk": DiskCache(folder),
            "memory, by document": MemoryCache(by="document"),
        }
        for name, cache in caches.items():
            with OpenRouter("key", server_url=url, cache=cache) as client:
                hit = partial(client.rerank.rank, documents, **ASK)
                hit()
                beyond = [time_call(hit) - time_call(encode) for _ in range(ROUNDS)]
            print(f"a hit, {name}: {median(beyond) * 1e6:.1f} µs beyond encoding", flush=True)


def time_call(function: Any) -> float:
    """Return the seconds that a call takes."""
    began_at = time.perf_counter()
    function()
    return time.perf_counter() - began_at


def measure_sweeps(url: str, data: Path) -> None:
    """Print what a sweep of depths sends and takes, without a cache and with one, both ways."""
    with gzip.open(data / "corpus.jsonl.gz", "rt", encoding="utf-8") as corpus:
        texts = [json.loads(line) for line, _ in zip(corpus, range(DEPTHS[-1]), strict=False)]
    documents = [f"{text['title']} {text['text']}" for text in texts]
    lines = (data / "queries.jsonl").read_text().splitlines()[:QUERIES]
    queries = [json.loads(line)["text"] for line in lines]
    ways: dict[str, tuple[Any, tuple[int, ...]]] = {
        "without a cache": (None, DEPTHS),
        "deepest first": (MemoryCache(by="document"), DEPTHS[::-1]),
        "ascending": (MemoryCache(by="document"), DEPTHS),
    }
    for name, (cache, depths) in ways.items():
        sent: list[int] = []
        with OpenRouter("key", server_url=url, cache=cache) as client:
            client.hooks.before_request(partial(count, sent))
            began_at = time.perf_counter()
            for query in queries:
                for depth in depths:
                    client.rerank.rank(documents[:depth], query=query, model="m", top_n=10)
            seconds = time.perf_counter() - began_at
        print(
            f"depths {depths}, {len(queries)} queries, {name}: {len(sent)} requests, "
            f"{sum(sent)} documents, {seconds:.1f} s",
            flush=True,
        )


def count(sent: list[int], request: httpx.Request) -> None:
    """Note how many documents a request has."""
    sent.append(len(json.loads(request.content)["documents"]))


def start_worker(folder: str, seed: int, seconds: float) -> subprocess.Popen[str]:
    """Start a process that reads and writes; return when it has begun."""
    command = [sys.executable, "-c", WORKER, folder, str(seed), str(seconds)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own
    if worker.stdout is not None:
        worker.stdout.readline()
    return worker


def measure_processes() -> None:
    """Print what eight processes on one folder read and write."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(PROCESSES) as threads:
        start = partial(start_worker, folder, seconds=SECONDS)
        workers = list(threads.map(start, range(PROCESSES)))
        lines = [worker.communicate()[0].split() for worker in workers]
    reads, writes, wrong = (sum(int(line[column]) for line in lines) for column in range(3))
    longest = max(float(line[3]) for line in lines)
    print(
        f"{PROCESSES} processes, {SECONDS:g} s: {reads} values read, {writes} written, {wrong} "
        f"wrong; the longest step of 10 took {longest * 1e3:.0f} ms",
        flush=True,
    )


def measure_kills() -> None:
    """Print what is read after writers were killed in the middle of their work."""
    with TemporaryDirectory() as folder:
        for seed in range(KILLS):
            worker = start_worker(folder, seed, seconds=60)
            time.sleep(0.02 + seed % 10 * 0.003)
            worker.kill()
            worker.wait()
        with closing(connect(Path(folder) / "answers.sqlite3")) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
            rows = connection.execute("SELECT key, value FROM answers").fetchall()
    wrong = sum(value != key * 100 for key, value in rows)
    print(f"{KILLS} kills: {len(rows)} values, {wrong} wrong, integrity {verdict}", flush=True)


def main() -> None:
    """Measure everything."""
    with running() as url:
        measure_hits(url)
        measure_sweeps(url, Path(sys.argv[1]))
    measure_processes()
    measure_kills()


if __name__ == "__main__":
    main()
