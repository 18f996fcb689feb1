"""The lines that a run writes."""

import json

import pytest
from openrouter_rerank.cli._job_file.input.entry import Entry, EntryError
from openrouter_rerank.cli._job_file.output.records import (
    LINE_START,
    Record,
    decode_record,
    encode_failure,
    encode_result,
)
from openrouter_rerank.errors import TooManyRequestsResponseError
from openrouter_rerank.operations import CreateRerankResponseBody

ENTRY = Entry(3, 7, "é", digest="00000000000000ff")
REPLY = {
    "id": "gen",
    "model": "m",
    "results": [{"index": 0, "relevance_score": 0.5, "document": {"text": "\ud800\u2028\n"}}],
    "usage": {"cost": 0.5},
}


def test_a_result_is_one_line_with_the_reply_as_it_came() -> None:
    """Text is UTF-8, and half a surrogate pair, which has no bytes, is escaped as in JSON."""
    line = encode_result(ENTRY, CreateRerankResponseBody.from_dict(REPLY))

    assert line.startswith(LINE_START)
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")
    assert json.loads(line) == {
        "position": 3,
        "id": "é",
        "digest": "00000000000000ff",
        "result": REPLY,
    }
    assert decode_record(line) == Record(3, 255, 0.5)


def test_a_failure_is_one_line_with_class_status_and_attempts() -> None:
    """The API's message is in the line, cut to a readable length."""
    error = TooManyRequestsResponseError("slow\ndown " * 200, status_code=429)

    line = encode_failure(ENTRY, error, 4)

    fields = json.loads(line)
    message = fields.pop("message")
    assert fields == {
        "position": 3,
        "line": 7,
        "id": "é",
        "class": "TooManyRequestsResponseError",
        "status": 429,
        "attempts": 4,
    }
    assert message.startswith("slow down slow")
    assert len(message) < 1600
    assert decode_record(line) == Record(3, 0, 0.0)


@pytest.mark.parametrize("error", [EntryError("no"), TypeError("no"), ValueError("no")])
def test_a_job_that_was_never_sent_has_no_status(error: Exception) -> None:
    """The status is null where there is none."""
    fields = json.loads(encode_failure(ENTRY, error, 0))

    assert (fields["class"], fields["status"]) == (type(error).__name__, None)


@pytest.mark.parametrize("cost", ["-1000", "NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_a_cost_that_cannot_be_counts_as_unknown(cost: str) -> None:
    """What an older release has written down does not defeat a limit."""
    line = f'{{"position": 0, "digest": "1", "result": {{"usage": {{"cost": {cost}}}}}}}\n'

    assert decode_record(line.encode()) == Record(0, 1, 0.0)
