"""The bodies: JSON alone."""

from typing import Any

import pytest
from contract.model import ContractError
from contract.rules.media import get_operation, keep_json, require_json

Json = dict[str, Any]
SCHEMA: Json = {"schema": {"type": "object"}}


def wrap(request: Json, success: Json) -> Json:
    """Return a document with these media types."""
    post = {"requestBody": {"content": request}, "responses": {"200": {"content": success}}}
    return {"paths": {"/rerank": {"post": post}}}


@pytest.mark.parametrize(
    "content",
    [
        {"application/json": SCHEMA, "multipart/form-data": {}},
        {"text/event-stream": {}, "application/json": SCHEMA},
        {"application/json; charset=utf-8": SCHEMA},
        {"application/problem+json": {}, "application/json": SCHEMA},
        {"application/vnd.example+json": SCHEMA},
    ],
)
def test_json_is_kept(content: Json) -> None:
    """Of several media types JSON is taken, however it is spelled."""
    operation = get_operation(keep_json(wrap(content, content)))

    assert operation["requestBody"]["content"] == {"application/json": SCHEMA}
    assert operation["responses"]["200"]["content"] == {"application/json": SCHEMA}


def test_a_reply_that_is_never_json_has_no_body() -> None:
    """A reply of HTML alone is declared without a body."""
    document = keep_json(wrap({"application/json": SCHEMA}, {"text/html": SCHEMA}))

    assert get_operation(document)["responses"]["200"] == {}


@pytest.mark.parametrize(
    ("request_media", "success", "complaint"),
    [
        ({}, {"application/json": SCHEMA}, "request body is not JSON"),
        ({"application/json": SCHEMA}, {}, "200 is not JSON"),
        ({"application/json": SCHEMA}, {"application/json": {}}, "200 is not JSON"),
    ],
)
def test_json_is_required(request_media: Json, success: Json, complaint: str) -> None:
    """Without a JSON request and a JSON success there is no contract."""
    with pytest.raises(ContractError, match=complaint):
        require_json(wrap(request_media, success))
