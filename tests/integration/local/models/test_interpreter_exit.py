"""Programs that end while the real model works in one of their threads."""

import os
import signal
import subprocess
import sys

import pytest
from forking.processes import ForkServer

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


# They load the model themselves, or end by a signal: a new interpreter.
IN_A_NEW_INTERPRETER = {"Ctrl-C", "deadline while loading", "load"}


def run_in_a_new_interpreter(program: str) -> tuple[int, bytes, bytes]:
    """Run a program, and return its status and what it writes."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONFAULTHANDLER": ""},
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - IN_A_NEW_INTERPRETER))
def test_program_ends_as_it_would_without_the_model(name: str, fork_server: ForkServer) -> None:
    """A program that ends while its model works exits with its own status and writes nothing."""
    ended = fork_server.run([], os.environ, program=BEGINNING + PROGRAMS[name])

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["deadline while loading", "load"])
def test_program_ends_while_the_model_is_loaded(name: str) -> None:
    """Loading is work of the model, too."""
    assert run_in_a_new_interpreter(BEGINNING + PROGRAMS[name]) == (0, b"", b"")


def test_interrupted_program_is_an_interrupted_program() -> None:
    """Ctrl-C while the model works ends a program as ever, with one traceback."""
    status, _, errors = run_in_a_new_interpreter(BEGINNING + PROGRAMS["Ctrl-C"])

    assert status == -signal.SIGINT
    assert errors.endswith(b"\nKeyboardInterrupt\n")
    assert errors.count(b"Traceback") == 1
