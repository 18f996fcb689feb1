"""A server that follows a script on its own clock, and a call through both halves of the loop."""

from collections.abc import AsyncIterator, Iterator, Sequence

import anyio
import httpcore
import httpx
from attrs import define, field
from openrouter_rerank._call.call import Call
from openrouter_rerank._call.clock import Clock
from openrouter_rerank._call.config import Settings
from openrouter_rerank._call.sender import Sender
from openrouter_rerank._call.target import Target
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import Hooks
from openrouter_rerank._events.logging import CallLog
from openrouter_rerank._network.auth import BearerAuth
from openrouter_rerank._network.deadline import current_attempt
from openrouter_rerank._network.pool_registry import PoolRegistry
from openrouter_rerank._network.received_reply import ReceivedReply
from openrouter_rerank._policy.retry_config import RetryConfig
from openrouter_rerank.errors import OpenRouterError

URL = "https://h/api/v1/rerank"
SECRET = "sk-or-secret"
OPENED = "connection.connect_tcp.started"
SENT = "http11.send_request_headers.started"
ANSWERED = "http11.receive_response_headers.complete"
# What a connection reports that was dead before the request was written.
STALE = (SENT, "http11.send_request_body.started", "http11.receive_response_headers.failed")
ONCE = RetryConfig("none")
# With chance always 1 the waits are the longest: 0.5 s, then 0.75 s.
POLICY = RetryConfig()


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that knows whether it was closed, which is when a connection goes back."""

    def __init__(self, content: bytes, error: Exception | None = None) -> None:
        """Take the content, and what happens after it."""
        self.content = content
        self.error = error
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        """Give the content."""
        yield self.content
        if self.error:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the content."""
        for part in self:
            yield part

    def close(self) -> None:
        """Note that the body was closed."""
        self.is_closed = True

    async def aclose(self) -> None:
        """Note that the body was closed."""
        self.is_closed = True


@define
class Outcome:
    """
    What one request meets.

    Attributes:
        status: The status of the reply.
        headers: The headers of the reply.
        content: The body of the reply.
        error: What is raised in the reply's place.
        seconds: How long it takes; a timeout that is shorter is kept.
        events: What the connection reports on the way.
        body_error: What is raised after the body's bytes.
    """

    status: int = 200
    headers: dict[str, str] = field(factory=dict[str, str])
    content: bytes = b'{"model":"m","results":[]}'
    error: Exception | None = None
    seconds: float = 0.0
    events: Sequence[str] = (OPENED, SENT, ANSWERED)
    body_error: Exception | None = None


class FakeServer(Sender):
    """A clock that moves when it is told to, and a server that follows a script."""

    def __init__(self, outcomes: Sequence[Outcome] = ()) -> None:
        """Begin at an arbitrary time."""
        super().__init__(PoolRegistry())
        self.time = 1000.0
        self.outcomes = list(outcomes)
        self.requests: list[httpx.Request] = []
        self.timeouts: list[dict[str, float | None]] = []
        self.slept: list[float] = []
        self.bodies: list[Body] = []
        self.clock = Clock(
            now=lambda: self.time, sleep=self.sleep, sleep_async=self.sleep_async, draw=lambda: 1.0
        )

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        """Let time pass."""
        self.sleep(seconds)

    def send(self, request: httpx.Request) -> httpx.Response:
        """Do what the script says next."""
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome(status=500)
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers))
        self.timeouts.append(request.extensions["timeout"])
        attempt = current_attempt.get()
        assert attempt is not None
        for event in outcome.events:
            attempt.trace(event, {"request": httpcore.Request("POST", "http://h/")})
        limit = request.extensions["timeout"].get("read")
        if limit is not None and outcome.seconds > limit:
            self.time += limit
            raise httpx.ReadTimeout("slow")
        self.time += outcome.seconds
        if outcome.error:
            raise outcome.error
        body = Body(outcome.content, outcome.body_error)
        self.bodies.append(body)
        return httpx.Response(outcome.status, headers=outcome.headers, stream=body, request=request)

    async def send_async(self, request: httpx.Request) -> httpx.Response:
        """Do what the script says next."""
        return self.send(request)


def make_settings(policy: RetryConfig = POLICY, deadline: float | None = 180.0) -> Settings:
    """Allow what a client allows by default."""
    return Settings(
        auth=BearerAuth(SECRET),
        target=Target(httpx.URL("https://h/api/v1"), {}),
        retry_config=policy,
        timeout=None,
        deadline=deadline,
        max_response_bytes=1000,
        hooks=Hooks(),
        log=CallLog(),
    )


def make_request(url: str = URL, read: float | None = 60.0) -> httpx.Request:
    """Make a request with httpx's timeouts."""
    timeout = httpx.Timeout(60.0, read=read).as_dict()
    return httpx.Request("POST", url, content=b"body", extensions={"timeout": timeout})


def begin(server: FakeServer, settings: Settings | None = None) -> Call:
    """Prepare a call of the server, on its clock."""
    return Call(server, make_request(), settings or make_settings(), server.clock)


def run_both(
    *outcomes: Outcome, settings: Settings | None = None, url: str = URL, read: float | None = 60.0
) -> tuple[Reply | OpenRouterError, FakeServer]:
    """Run a script sync and async, prove that they agree, and return how it went."""
    servers = FakeServer(outcomes), FakeServer(outcomes)
    ended: list[Reply | OpenRouterError] = []
    for is_async, server in enumerate(servers):
        request = make_request(url, read)
        call = Call(server, request, settings or make_settings(), server.clock)
        try:
            ended.append(anyio.run(call.run_async) if is_async else call.run())
        except OpenRouterError as error:
            ended.append(error)
    first, second = servers

    assert (first.time, first.slept, first.timeouts) == (second.time, second.slept, second.timeouts)
    assert (type(ended[0]), ended[0].attempts) == (type(ended[1]), ended[1].attempts)
    assert all(body.is_closed for server in servers for body in server.bodies)
    return ended[1], second


def run_to_reply(*outcomes: Outcome, settings: Settings | None = None) -> tuple[Reply, FakeServer]:
    """Run a script that ends well."""
    ended, server = run_both(*outcomes, settings=settings)
    assert isinstance(ended, Reply)
    return ended, server


def run_to_error(
    *outcomes: Outcome, settings: Settings | None = None, url: str = URL
) -> tuple[OpenRouterError, FakeServer]:
    """Run a script that ends in an error."""
    ended, server = run_both(*outcomes, settings=settings, url=url)
    assert isinstance(ended, OpenRouterError)
    return ended, server


def fail(error: Exception, *events: str) -> Outcome:
    """Make the outcome of a request that gets no reply."""
    return Outcome(error=error, events=events)


def receive(response: httpx.Response) -> ReceivedReply:
    """Return a reply of httpx as one that was read to its end."""
    request = response.request
    return ReceivedReply(
        response, response.headers.raw, response.content, signed=request, request=request
    )
