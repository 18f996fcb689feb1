"""Programs that end while the real model works in one of their threads."""

import os
import signal
import subprocess
import sys

import pytest

BEGINNING = """
import asyncio, os, signal, sys, threading, time
from openrouter_rerank import OpenRouter, RerankJob
from openrouter_rerank.local import LOCAL, client, running
from openrouter_rerank.local._models.inference import Network

documents = [f"{number} " + "bread " * 300 for number in range(60)]
failing = dict(server_url="http://127.0.0.1:9/api/v1", fallback_models=[LOCAL], retry_config=None)
late = dict(deadline_ms=200, on_failure="keep_order")
under_way = threading.Event()
run = Network.run

def run_for_long(network, output, texts):
    under_way.set()
    return run(network, output, list(texts) * 8)[: len(texts)]

def watch():
    LOCAL.load()
    Network.run = run_for_long

def start(function):
    threading.Thread(target=function, daemon=True).start()
"""

PROGRAMS = {
    "deadline": """
watch()
with client(**late) as c:
    assert c.rerank.rank(documents, query="q", model="m").failure
""",
    "Ctrl-C": """
watch()
def interrupt():
    under_way.wait()
    os.kill(os.getpid(), signal.SIGINT)
start(interrupt)
with client() as c:
    c.rerank.rank(documents, query="q", model="m")
""",
    "deadline while loading": """
with OpenRouter(**failing, **{**late, "deadline_ms": 50}) as c:
    assert c.rerank.rank(documents, query="q", model="m").failure
""",
    "load": """
start(LOCAL.load)
time.sleep(0.02)
""",
    "thread": """
watch()
for _ in range(3):
    start(lambda: LOCAL.rank("q", documents))
under_way.wait()
""",
    "count_tokens": """
LOCAL.count_tokens("")
def count():
    while True:
        under_way.set()
        LOCAL.count_tokens(documents[0] * 50)
for _ in range(3):
    start(count)
under_way.wait()
""",
    "rerank_many": """
watch()
jobs = [RerankJob(documents=each, query="q", model="m") for each in (["a"], documents, documents)]
outcomes = OpenRouter(**failing).rerank.rerank_many(jobs)
next(outcomes)
""",
    "asyncio": """
watch()
async def main():
    async with client(**late) as c, OpenRouter(**failing, **late) as other:
        for each in (c, other):
            assert (await each.rerank.rank_async(documents, query="q", model="m")).failure
asyncio.run(main())
""",
    "trio": """
import trio
watch()
async def main():
    async with OpenRouter(**failing, **late) as c:
        assert (await c.rerank.rank_async(documents, query="q", model="m")).failure
trio.run(main)
""",
    "server": """
watch()
with running() as url, OpenRouter(server_url=url, **late) as c:
    assert c.rerank.rank(documents, query="q", model="m").failure
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_ends_as_it_would_without_the_model(name: str) -> None:
    """A program that ends while its model works exits with its own status and writes nothing."""
    ended = subprocess.run(
        [sys.executable, "-c", BEGINNING + PROGRAMS[name]],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONFAULTHANDLER": ""},
    )

    if name == "Ctrl-C":
        assert ended.returncode == -signal.SIGINT
        assert ended.stderr.endswith("\nKeyboardInterrupt\n")
        assert ended.stderr.count("Traceback") == 1
    else:
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
