"""The log: one line an attempt, no secret, and content at DEBUG alone."""

import logging
import os
import subprocess
import sys

import httpx
import pytest
from openrouter_rerank import OpenRouter, errors
from openrouter_rerank.testing import FakeOpenRouter, answer

KEY = "sk-or-v1-0123456789abcdef"
SECRET_TEXT = "the quick brown fox " * 20


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's own settings out."""
    monkeypatch.delenv("OPENROUTER_LOG", raising=False)
    monkeypatch.delenv("OPENROUTER_DEBUG", raising=False)


def call(client: OpenRouter) -> None:
    """Make a call that is given up after a retry."""
    with client, pytest.raises(errors.BadRequestResponseError):
        client.rerank.rerank(documents=[SECRET_TEXT], model="m", query=SECRET_TEXT)


def make_client(**options: object) -> FakeOpenRouter:
    """Make a client that meets a 429 and then a 400."""
    body = {"error": {"code": 400, "message": f"bad: {SECRET_TEXT}"}}
    return FakeOpenRouter(
        answer(429, retry_after=2), answer(400, body=body), api_key=KEY, **options
    )


def test_levels(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt is a line at DEBUG, a retry one at INFO, the end one at WARNING."""
    with caplog.at_level(logging.DEBUG, "openrouter_rerank"):
        call(make_client())

    assert [record.levelname for record in caplog.records] == [
        "DEBUG",
        "DEBUG",
        "INFO",
        "DEBUG",
        "WARNING",
    ]
    assert caplog.messages[2] == (
        "attempt 1 failed with TooManyRequestsResponseError (429), retrying in 2.000 s"
    )
    assert caplog.messages[4] == "giving up after attempt 2: BadRequestResponseError (400)"


def test_content_is_shown_at_debug_alone_and_cut(caplog: pytest.LogCaptureFixture) -> None:
    """Queries and documents stand at DEBUG, no more than their beginnings."""
    with caplog.at_level(logging.DEBUG, "openrouter_rerank"):
        call(make_client())

    above = [r.getMessage() for r in caplog.records if r.levelno > logging.DEBUG]
    assert "the quick brown fox" in caplog.messages[0]
    assert SECRET_TEXT not in caplog.text
    assert not [message for message in above if "fox" in message]


def test_lost_attempt_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """An attempt without a reply is recorded with what it ended in."""
    with (
        caplog.at_level(logging.DEBUG, "openrouter_rerank"),
        FakeOpenRouter(httpx.ConnectError("refused"), 200) as client,
    ):
        client.rerank.rerank(documents=["a"], model="m", query="q")

    assert any(
        message.startswith("attempt 1: ConnectionFailedError") for message in caplog.messages
    )


def test_no_key_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The key is in no line, whatever the level."""
    with caplog.at_level(logging.DEBUG):
        call(make_client())

    assert KEY not in caplog.text


def test_nothing_is_written_below_the_level(caplog: pytest.LogCaptureFixture) -> None:
    """At WARNING, only the end of a call is a line."""
    with caplog.at_level(logging.WARNING, "openrouter_rerank"):
        call(make_client())
        with FakeOpenRouter(httpx.ConnectError("refused"), 200) as client:
            client.rerank.rerank(documents=["a"], model="m", query="q")

    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_debug_logger_gets_the_lines_of_debug() -> None:
    """An object with a method debug is written to, as the official SDK does."""
    lines: list[str] = []

    class Lines:
        def debug(self, msg: str, *args: object, **_kwargs: object) -> None:
            lines.append(msg % args)

    call(make_client(debug_logger=Lines()))

    assert len(lines) == 3
    assert lines[1].startswith("attempt 1: 429 after")
    assert not [line for line in lines if KEY in line]


def test_debug_logger_without_the_method_is_refused() -> None:
    """Anything else is named at once."""
    with pytest.raises(TypeError, match="debug_logger"):
        OpenRouter(debug_logger=print)  # type: ignore[arg-type]


SCRIPT = """
from openrouter_rerank import errors
from openrouter_rerank.testing import FakeOpenRouter
with FakeOpenRouter(404) as client:
    try:
        client.rerank.rerank(documents=["a"], model="m", query="q")
    except errors.NotFoundResponseError:
        pass
"""


@pytest.mark.parametrize(
    ("variable", "value", "lines"),
    [
        ("OPENROUTER_LOG", "debug", 3),
        ("OPENROUTER_LOG", " INFO ", 1),
        ("OPENROUTER_DEBUG", "1", 3),
        ("OPENROUTER_DEBUG", "", 0),
        ("OPENROUTER_LOG", "", 0),
    ],
)
def test_environment_turns_the_log_on(variable: str, value: str, lines: int) -> None:
    """Each variable alone has a plain script write its log to standard error, else none is."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        check=True,
    )

    written = [line for line in result.stderr.splitlines() if "asyncio" not in line]
    assert lines == len(written), result.stderr


def test_program_that_logs_already_keeps_its_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log is written somewhere, only the level is set."""
    logger = logging.getLogger("openrouter_rerank")
    before = logger.level, list(logger.handlers)
    monkeypatch.setenv("OPENROUTER_LOG", "info")
    try:
        OpenRouter().close()

        assert logger.level == logging.INFO
        assert logger.handlers == before[1]
    finally:
        logger.setLevel(before[0])


def test_unknown_level_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that is none is refused with those that are."""
    monkeypatch.setenv("OPENROUTER_LOG", "loud")

    with pytest.raises(ValueError, match="OPENROUTER_LOG: expected one of debug, info, warning"):
        OpenRouter()


def test_what_is_logged_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    """A line break or an escape sequence in a model or a header is written as in a repr."""
    caplog.set_level(logging.DEBUG, "openrouter_rerank")
    reply = httpx.Response(
        200,
        headers={"X-Generation-Id": "gen\nforged \x1b[31m"},
        json={"model": "m", "results": []},
    )
    with OpenRouter(transport=httpx.MockTransport(lambda _: reply)) as client:
        client.rerank.rerank(documents=["a"], model="m\nforged \u202e\x9b", query="q")

    text = "".join(record.getMessage() for record in caplog.records)
    assert text.isprintable()
    assert "model=m\\nforged \\u202e\\x9b" in text
    assert "generation gen\\nforged \\x1b[31m" in text
