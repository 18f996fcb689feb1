"""A fake API that answers at once, counts requests, and lets a test step in."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

StepIn = Callable[[int, dict[str, Any]], int | None]
"""Gets a request's number, from 1, and its body; may return an error's status."""


class FakeApi(ThreadingHTTPServer):
    """
    Answers each request with its documents in their order, and a cost.

    Attributes:
        queries: The queries so far, one for each request.
        cost: The cost in each reply, in credits; None leaves it out.
        step_in: Called in the thread of each request before it is answered; None lets all pass.
        extra: The JSON of a further field in each reply; "" leaves it out.
        change: Changes each success before it is sent; None sends it as it is.
    """

    daemon_threads = True
    # They end when the test closes their connections.
    block_on_close = False

    def __init__(self, step_in: StepIn | None, cost: float | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.queries: list[str] = []
        self.cost = cost
        self.step_in = step_in
        self.extra = ""
        self.change: Callable[[dict[str, Any]], dict[str, Any]] | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}/api/v1"

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Count a request and make its reply."""
        with self._lock:
            self.queries.append(body["query"])
            number = len(self.queries)
        status = self.step_in and self.step_in(number, body)
        if status:
            return status, {"error": {"code": status, "message": f"no for {body['query']}"}}
        documents: list[str] = body["documents"]
        results = [
            {"index": at, "relevance_score": 1 / (at + 1), "document": {"text": text}}
            for at, text in enumerate(documents[: None if self.change else body.get("top_n")])
        ]
        usage = {} if self.cost is None else {"cost": self.cost}
        reply = {"id": "gen", "model": body["model"], "results": results, "usage": usage}
        return 200, self.change(reply) if self.change else reply

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing about clients that were killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a request in one packet."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, reply = cast("FakeApi", self.server).answer(body)
        extra = cast("FakeApi", self.server).extra
        text = json.dumps(reply).replace("Infinity", "1e999")
        content = (f'{{"extra": {extra}, {text[1:]}' if extra else text).encode()
        head = (
            f"HTTP/1.1 {status} Reason\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + content)


@contextmanager
def fake_api(step_in: StepIn | None = None, cost: float | None = 0.5) -> Generator[FakeApi]:
    """
    Serve in a thread.

    Args:
        step_in: Called in the thread of each request before it is answered.
        cost: The cost in each reply, in credits; None leaves it out.
    """
    with FakeApi(step_in, cost) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
