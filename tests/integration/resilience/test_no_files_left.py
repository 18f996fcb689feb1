"""Calls of a process that may open no more files, and so can neither connect nor import."""

import subprocess
import sys

import pytest

# What both programs do in the end, and rank with instead.
COMMON = """
import os, resource

class Longest:
    model = "longest"

    def score(self, query, documents, checkpoint):
        return [len(document) for document in documents]

def use_up_files():
    opened = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            opened.append(os.dup(1))
    except OSError:
        return opened

def give_back(opened):
    # The end of a thread may need a file, too.
    for each in opened:
        os.close(each)
"""

# The process ranks once, as a service has when it runs out of files, and once more without any.
PROGRAM = """
import json, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from openrouter_rerank import OpenRouter, errors

RESULTS = {"model": "m", "results": [
    {"index": 1, "relevance_score": 0.5, "document": {"text": "bb"}},
    {"index": 0, "relevance_score": 0.4, "document": {"text": "a"}},
    {"index": 2, "relevance_score": 0.3, "document": {"text": "ccc"}},
]}
FAILURE = {"error": {
    "code": 429,
    "message": "slow down",
    "metadata": {"previous_errors": [{"code": 500, "message": "gone"}]},
    "availability": {"reason": "busy", "http_status": 429, "retryable": True},
}}
replies = [(200, RESULTS)]

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = replies[-1]
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "Fri, 31 Dec 2049 23:59:59 GMT")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass

def name(error):
    # Whether retries or the deadline end a call that cannot connect is up to their random waits.
    return "NoResponseError" if isinstance(error, errors.NoResponseError) else type(error).__name__

def make_client():
    return OpenRouter(
        api_key="key",
        server_url=f"http://127.0.0.1:{server.server_port}/api/v1",
        fallback_models=[Longest()] if choice == "fall back" else None,
    )

def rank():
    on_failure = "keep_order" if choice == "keep order" else "raise"
    return client.rerank.rank(
        ["a", "bb", "ccc"], query="q", model="m", on_failure=on_failure, deadline_ms=1000
    )

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
choice, fault = sys.argv[1:]
client = make_client()
rank()
if fault == "refused":
    replies.append((429, FAILURE))
if fault == "unconnected":
    client.close()
    client = make_client()
opened = use_up_files()
try:
    ranking = rank()
    print([each.item for each in ranking], name(ranking.failure))
except errors.OpenRouterError as error:
    print(name(error))
give_back(opened)
"""


@pytest.mark.parametrize(
    ("choice", "fault", "outcome"),
    [
        ("raise", "none", "['bb', 'a', 'ccc'] NoneType"),
        ("raise", "refused", "TooManyRequestsResponseError"),
        ("raise", "unconnected", "NoResponseError"),
        ("keep order", "refused", "['a', 'bb', 'ccc'] TooManyRequestsResponseError"),
        ("keep order", "unconnected", "['a', 'bb', 'ccc'] NoResponseError"),
        ("fall back", "refused", "['ccc', 'bb', 'a'] NoneType"),
        ("fall back", "unconnected", "['ccc', 'bb', 'a'] NoneType"),
    ],
)
def test_call_without_files_ends_as_any_other(choice: str, fault: str, outcome: str) -> None:
    """A kept connection gives its reply; what fails is typed, keeps the order or falls back."""
    ended = subprocess.run(
        [sys.executable, "-c", COMMON + PROGRAM, choice, fault],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert (ended.stdout.strip(), ended.returncode) == (outcome, 0), ended.stderr


# The same over a transport of the caller's that uses no anyio, which ends failed async calls.
ASYNC_PROGRAM = """
import sys
import anyio, httpx
from openrouter_rerank import OpenRouter, errors

class Body(httpx.AsyncByteStream):
    def __init__(self, content):
        self.content = content

    async def __aiter__(self):
        if self.content is None:
            raise httpx.ReadError("broke")
        yield self.content

    async def aclose(self):
        pass

class Transport(httpx.AsyncBaseTransport):
    content = b'{"model":"m","results":[]}'

    async def handle_async_request(self, request):
        return httpx.Response(200, stream=Body(self.content))

async def main():
    transport = Transport()
    fallback_models = [Longest()] if choice == "fall back" else None
    on_failure = "keep_order" if choice == "keep order" else "raise"
    async with OpenRouter(
        api_key="key", async_transport=transport, fallback_models=fallback_models
    ) as client:
        async def rank():
            return await client.rerank.rank_async(
                ["a", "bb"], query="q", model="m", on_failure=on_failure, deadline_ms=1000
            )

        await rank()
        transport.content = None
        opened = use_up_files()
        try:
            ranking = await rank()
            print([each.item for each in ranking])
        except errors.DisconnectedError as error:
            print("broke" in str(error))
    # The client is closed without files, too.
    give_back(opened)

choice, backend = sys.argv[1:]
if backend == "asyncio":
    import asyncio

    asyncio.run(main())
else:
    anyio.run(main, backend=backend)
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    ("choice", "outcome"),
    [("raise", "True"), ("keep order", "['a', 'bb']"), ("fall back", "['bb', 'a']")],
)
def test_async_call_without_files_ends_as_any_other(
    choice: str, outcome: str, backend: str
) -> None:
    """A reply that breaks off in another transport is typed, keeps the order or falls back."""
    ended = subprocess.run(
        [sys.executable, "-c", COMMON + ASYNC_PROGRAM, choice, backend],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert (ended.stdout.strip(), ended.returncode) == (outcome, 0), ended.stderr
