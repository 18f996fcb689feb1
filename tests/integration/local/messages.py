"""A request to send, and the checks of replies."""

import json
from importlib import resources
from typing import Any

import httpx
from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]

BODY: dict[str, object] = {
    "model": "cohere/rerank-v3.5",
    "query": "What is the capital of France?",
    "documents": ["Berlin is the capital of Germany.", {"text": "Paris is the capital of France."}],
}
JSON = {"Content-Type": "application/json"}


def is_valid(schema: str, body: Any) -> bool:
    """Tell whether a body is what one schema of the contract says."""
    file = resources.files("openrouter_rerank_api").joinpath("openapi.json")
    components = json.loads(file.read_text(encoding="utf-8"))["components"]
    schemas = {"$ref": f"#/components/schemas/{schema}", "components": components}
    validator = Draft202012Validator(schemas)
    return bool(validator.is_valid(body))  # pyright: ignore[reportUnknownMemberType]


def read_error(response: httpx.Response) -> dict[str, object]:
    """Return the error of a reply that is what the contract says an error is."""
    body = response.json()
    assert is_valid("ErrorResponse", body)
    assert response.headers["X-Generation-Id"].startswith("gen-rerank-")
    assert body["error"]["code"] == response.status_code
    error: dict[str, object] = body["error"]
    return error
