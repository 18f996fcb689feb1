"""One line for each error."""

import pytest
from openrouter_rerank.cli._errors import (
    CommandError,
    convert_argument_errors,
    convert_local_errors,
    print_error,
    to_command_error,
)
from openrouter_rerank.errors import OpenRouterError


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (None, "--local"),
        (200, "It may have been billed. Check OPENROUTER_BASE_URL"),
        (400, "Check the documents"),
        (401, "OPENROUTER_API_KEY"),
        (402, "credits"),
        (404, "--model"),
        (418, "command line"),
        (429, "Try again"),
        (529, "Try again"),
    ],
)
def test_an_error_of_the_api_says_what_to_do_next(status: int | None, step: str) -> None:
    """Each status has its next step, and ends in exit status 1."""
    failure = to_command_error(OpenRouterError("it went wrong.", status_code=status))

    assert failure.message.startswith("it went wrong")
    assert step in failure.message
    assert failure.status == 1


def test_a_long_message_is_cut() -> None:
    """A page of HTML in a message does not flood the terminal."""
    failure = to_command_error(OpenRouterError("<p> " * 5_000, status_code=503))

    assert len(failure.message) < 1600
    assert "…" in failure.message


def test_a_complaint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks and escape sequences in a message are taken out."""
    print_error("one\ntwo \x1b[31m")

    assert capsys.readouterr().err == "openrouter-rerank: one two \ufffd[31m\n"


@pytest.mark.parametrize("error", [ValueError("top_n is wrong"), TypeError("top_n is wrong")])
def test_a_refused_argument_is_a_usage_error(error: Exception) -> None:
    """What the client refuses before sending ends in exit status 2."""
    with (
        pytest.raises(CommandError, match="top_n is wrong") as caught,
        convert_argument_errors("rank"),
    ):
        raise error

    assert caught.value.status == 2


@pytest.mark.parametrize(
    "error", [ImportError("no extra"), OSError("port in use"), RuntimeError("bad model")]
)
def test_a_failed_start_of_the_server_is_a_failure(error: Exception) -> None:
    """An error of the embedded server ends in exit status 1."""
    with pytest.raises(CommandError, match=str(error)) as caught, convert_local_errors():
        raise error

    assert caught.value.status == 1
