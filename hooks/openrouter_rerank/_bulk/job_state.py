"""The state of one job: its call, and when it was sent and is due again."""

from collections.abc import Callable

from attrs import define

from openrouter_rerank._call.arguments import RerankOptions
from openrouter_rerank._call.call import Call
from openrouter_rerank._call.config import Settings
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._events.logging import warn_of_unranked
from openrouter_rerank.errors import ClientClosedError, OpenRouterError

from .jobs import RerankJob, RerankOutcome, prepare_job


@define(eq=False)
class JobState:
    """
    A job that was taken and passed its checks.

    Times are in seconds of the client's clock.

    Attributes:
        job: The caller's job.
        position: The job's position among the jobs, from 0.
        request: What is sent.
        call: Makes the attempts.
        sent_at: When the job was last sent.
        due_at: When it may be sent again.
        is_abandoned: Whether its next attempt will not be made.
    """

    job: RerankJob
    position: int
    request: EncodedRequest
    call: Call
    sent_at: float = 0.0
    due_at: float = 0.0
    is_abandoned: bool = False

    def attempt(self) -> RerankOutcome | RetryEvent:
        """
        Make the next attempt, and return the job's outcome or the retry that is to follow.

        An abandoned job makes none: its last error is its end.

        Raises:
            BaseException: What is no outcome of a job, such as what a hook raised.
        """
        hooks, error = self.call.settings.hooks, self.call.state.error
        if self.is_abandoned and error is not None:
            hooks.errors.emit(error)
            return self.abandon()
        try:
            result = self.call.attempt()
        except OpenRouterError as error:
            return self._fail(error)
        return self._read(result)

    async def attempt_async(self) -> RerankOutcome | RetryEvent:
        """Async `attempt`, on asyncio or trio."""
        hooks, error = self.call.settings.hooks, self.call.state.error
        if self.is_abandoned and error is not None:
            await hooks.errors.emit_async(error)
            return self.abandon()
        try:
            result = await self.call.attempt_async()
        except OpenRouterError as error:
            return self._fail(error)
        return self._read(result)

    def abandon(self) -> RerankOutcome:
        """Return the outcome of a job whose next attempt will not be made."""
        self.call.abandon()
        return self._end(self.call.state.error)

    def _read(self, result: Reply | RetryEvent) -> RerankOutcome | RetryEvent:
        if isinstance(result, RetryEvent):
            return result
        try:
            response = result.decode(self.request)
        except OpenRouterError as error:
            return self._end(error)
        return RerankOutcome(self.job, self.position, response, None, result.attempts)

    def _fail(self, error: OpenRouterError) -> RerankOutcome:
        """Return the outcome of a failure; raise an error that is not the job's own."""
        if isinstance(error, ClientClosedError) or error is not self.call.state.error:
            raise error
        return self._end(error)

    def _end(self, error: OpenRouterError | None) -> RerankOutcome:
        return RerankOutcome(self.job, self.position, None, error, self.call.state.attempts)


def prepare_job_state(
    job: object,
    position: int,
    resolve: Callable[[RerankOptions], Settings],
    begin: Callable[[Settings, EncodedRequest], Call],
) -> JobState | RerankOutcome:
    """
    Check a job, and return its state, or its outcome if nothing is to be sent.

    Args:
        job: What the caller's iterable gave.
        position: Its position among the jobs, from 0.
        resolve: `Caller.resolve`.
        begin: `Caller.begin`, or its async twin.

    Raises:
        ClientClosedError: The client is closed.
        TypeError: `job` is not a `RerankJob`.
    """
    if not isinstance(job, RerankJob):
        kind = type(job).__name__
        raise TypeError(f"jobs: expected RerankJob, got {kind} at position {position}")
    try:
        encoded, options = prepare_job(job)
        settings = resolve(options)
    except (TypeError, ValueError) as error:
        return RerankOutcome(job, position, None, error, 0)
    warn_of_unranked(encoded.set_aside)
    if not encoded.documents:
        return RerankOutcome(job, position, encoded.make_empty_response(), None, 0)
    return JobState(job, position, encoded, begin(settings, encoded))
