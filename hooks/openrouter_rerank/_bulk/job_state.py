"""The state of one job: its call, and when it was sent and is due again."""

from collections.abc import Callable

from attrs import define

from openrouter_rerank._call.answer import Answer, make_answer, make_empty_answer
from openrouter_rerank._call.call import Call
from openrouter_rerank._call.caller import AnyCall, Caller
from openrouter_rerank._call.config import Settings
from openrouter_rerank._call.fallbacks import Candidate, FallbackChain
from openrouter_rerank._codec.request import EncodedRequest
from openrouter_rerank._codec.response import Reply
from openrouter_rerank._events.hooks import RetryEvent
from openrouter_rerank._events.logging import warn_of_unranked
from openrouter_rerank._policy.failures import is_recoverable
from openrouter_rerank._ranking import keep_order
from openrouter_rerank.errors import ClientClosedError, OpenRouterError

from .jobs import RerankJob, RerankOutcome, prepare_job

Begin = Callable[[Settings, EncodedRequest], AnyCall]


@define(eq=False)
class JobFallbacks:
    """
    The models of a job that are asked in turn.

    Attributes:
        chain: Says which is next.
        candidate: The model that is asked now.
    """

    chain: FallbackChain
    candidate: Candidate


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
    call: AnyCall
    _caller: Caller
    _begin: Begin
    _keeps_order: bool = False
    _fallbacks: JobFallbacks | None = None
    sent_at: float = 0.0
    due_at: float = 0.0
    is_abandoned: bool = False

    def find_cached(self) -> RerankOutcome | None:
        """Return the job's outcome if the client's cache has it; nothing is to be sent then."""
        reply = None if isinstance(self.call, Call) else self.call.find()
        return None if reply is None else self._succeed(make_answer(reply, self.request))

    async def find_cached_async(self) -> RerankOutcome | None:
        """Async `find_cached`, on asyncio or trio."""
        reply = None if isinstance(self.call, Call) else await self.call.find_async()
        return None if reply is None else self._succeed(make_answer(reply, self.request))

    def attempt(self) -> RerankOutcome | RetryEvent:
        """
        Make the next attempt, and return the job's outcome or the retry that is to follow.

        When another model's turn has come, that is a retry too, due at once. An abandoned job makes
        none: its last error is its end.

        Raises:
            BaseException: What is no outcome of a job, such as what a hook raised.
        """
        hooks, error = self.call.settings.hooks, self.call.state.error
        if self.is_abandoned and error is not None:
            hooks.errors.emit(error)
            return self.abandon()
        try:
            return self._read(self.call.attempt())
        except OpenRouterError as error:
            result = self._fail(error)
        while isinstance(result, Candidate):
            try:
                return self._succeed(self._caller.ask(result, self.request))
            except OpenRouterError as error:
                result = self._fail(error)
        return result

    async def attempt_async(self) -> RerankOutcome | RetryEvent:
        """Async `attempt`, on asyncio or trio."""
        hooks, error = self.call.settings.hooks, self.call.state.error
        if self.is_abandoned and error is not None:
            await hooks.errors.emit_async(error)
            return self.abandon()
        try:
            return self._read(await self.call.attempt_async())
        except OpenRouterError as error:
            result = self._fail(error)
        while isinstance(result, Candidate):
            try:
                return self._succeed(await self._caller.ask_async(result, self.request))
            except OpenRouterError as error:
                result = self._fail(error)
        return result

    def abandon(self) -> RerankOutcome:
        """Return the outcome of a job whose next attempt will not be made."""
        self.call.abandon()
        error = self.call.state.error
        if error is not None:  # pragma: no branch - only a job that has failed is abandoned
            error.ended_call = True
        attempts = self.call.state.attempts
        if self._fallbacks is not None:
            attempts += self._fallbacks.chain.attempts
        return self._end(error, attempts)

    def _read(self, result: Reply | RetryEvent) -> RerankOutcome | RetryEvent:
        if isinstance(result, RetryEvent):
            return result
        return self._succeed(make_answer(result, self.request))

    def _succeed(self, answer: Answer) -> RerankOutcome:
        if self._fallbacks is not None:
            answer = self._fallbacks.chain.finish(answer)
        return RerankOutcome(
            self.job, self.position, answer.response, None, answer.attempts, answer
        )

    def _fail(self, error: OpenRouterError) -> RerankOutcome | RetryEvent | Candidate:
        """
        Return the outcome of a failure, or what follows: another model, or a ranker's turn.

        Raises:
            OpenRouterError: The error is not the job's own.
        """
        is_own = error.ended_call or error is self.call.state.error
        if isinstance(error, ClientClosedError) or not is_own:
            raise error
        if self._fallbacks is None:
            return self._end(error, self.call.state.attempts)
        chain = self._fallbacks.chain
        try:
            chain.fall_back(self._fallbacks.candidate, error)
            candidate = self._fallbacks.candidate = chain.next()
        except OpenRouterError as last:
            return self._end(last, chain.attempts)
        if not isinstance(candidate.model, str):
            return candidate
        self.request = self.request.with_model(candidate.model)
        self.call = self._begin(candidate.settings, self.request)
        # What the job ends in if this model is never asked.
        self.call.state.error = error
        return RetryEvent(chain.attempts, 0.0, error)

    def _end(self, error: OpenRouterError | None, attempts: int) -> RerankOutcome:
        kept = None
        if self._keeps_order and error is not None and is_recoverable(error):
            self._caller.record_kept_order(self.job.model, error)
            kept = keep_order(
                range(self.request.document_count),
                error,
                model=self.job.model,
                top_n=self.job.top_n,
                set_aside=self.request.set_aside,
            )
        return RerankOutcome(self.job, self.position, None, error, attempts, kept_order=kept)


def prepare_job_state(
    job: object, position: int, caller: Caller, begin: Begin
) -> JobState | RerankOutcome:
    """
    Check a job, and return its state, or its outcome if nothing is to be sent.

    Args:
        job: What the caller's iterable gave.
        position: Its position among the jobs, from 0.
        caller: Makes the calls.
        begin: `Caller.begin`, or its async twin.

    Raises:
        ClientClosedError: The client is closed.
        TypeError: `job` is not a `RerankJob`.
    """
    if not isinstance(job, RerankJob):
        kind = type(job).__name__
        raise TypeError(f"jobs: expected RerankJob, got {kind} at position {position}")
    try:
        on_failure = caller.choose(job.on_failure)
        encoded, options = prepare_job(job, on_failure)
        settings = caller.resolve(options, on_failure)
        encoded = encoded.split(settings.passages)
    except (TypeError, ValueError) as error:
        return RerankOutcome(job, position, None, error, 0)
    warn_of_unranked(encoded.set_aside)
    if not encoded.documents:
        answer = make_empty_answer(encoded)
        return RerankOutcome(job, position, answer.response, None, 0, answer)
    keeps_order = settings.on_failure == "keep_order"
    fallbacks = None
    if settings.has_fallbacks:
        chain = FallbackChain(settings, encoded.model, caller.clock.now)
        fallbacks = JobFallbacks(chain, chain.next())
        settings = fallbacks.candidate.settings
    return JobState(
        job,
        position,
        encoded,
        begin(settings, encoded),
        caller,
        begin,
        keeps_order,
        fallbacks,
    )
