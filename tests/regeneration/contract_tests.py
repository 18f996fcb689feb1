"""
The client against the contract of the package that it is installed with.

Not collected with the other tests: `test_variants.py` runs this file over packages that were made
of other contracts. What is expected is read from the packaged contract.
"""

import json
import os
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import openrouter_rerank_api
import pytest
from jsonschema import Draft202012Validator
from openrouter_rerank import HooksTransport, OpenRouter, RetryConfig, components, errors
from openrouter_rerank.cli._tables import describe_document
from openrouter_rerank.local import running
from openrouter_rerank.testing import FakeOpenRouter, ScriptedTransport, answer
from openrouter_rerank_api import AuthenticatedClient
from openrouter_rerank_api.api.rerank import create_rerank
from openrouter_rerank_api.models import CreateRerankRequestBody, CreateRerankResponseBody
from openrouter_rerank_api.request_fields import REQUEST_FIELDS

Json = dict[str, Any]
CONTRACT: Json = json.loads(
    resources.files("openrouter_rerank_api").joinpath("openapi.json").read_text(encoding="utf-8")
)
OPERATION: Json = CONTRACT["paths"]["/rerank"]["post"]
SCHEMAS: Json = CONTRACT["components"]["schemas"]
REQUEST: Json = SCHEMAS["CreateRerankRequestBody"]
REPLY: Json = SCHEMAS["CreateRerankResponseBody"]
# What Python has another use for is a keyword of another name.
KEYWORDS = {rule["name"]: keyword for keyword, rule in REQUEST_FIELDS.items()}
STATUSES = [int(status) for status in OPERATION["responses"] if status.isdecimal()]
ERRORS = [status for status in STATUSES if status >= 400]
ONCE = RetryConfig("none")
QUERY = "What is the capital of France?"
DOCUMENTS = ["Berlin is the capital of Germany.", "Paris is the capital of France."]
SAMPLES: Mapping[str, object] = {
    "string": "text", "integer": 1, "number": 0.5, "boolean": True, "array": [], "null": None,
}  # fmt: skip
ARGUMENTS: Mapping[str, Any] = {
    "documents": DOCUMENTS,
    "model": "m",
    "query": QUERY,
    "top_n": 1,
    "provider": components.ProviderPreferences(order=["never heard of"], zdr=True),
    "session_id": "s",
    "trace": {"trace_id": "t", "own": 1},
    "user": "u",
}


def make_sample(schema: Json) -> object:
    """Make a value that a schema of the contract takes, every field of an object filled in."""
    if "$ref" in schema:
        return make_sample(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return make_sample(schema["anyOf"][0])
    types = schema.get("type", "string")
    kind = types if isinstance(types, str) else types[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: make_sample(properties[name]) for name in properties}
    if kind == "array" and "items" in schema:
        return [make_sample(schema["items"])]
    return SAMPLES[kind]


def make_reply() -> Json:
    """Make a reply with every field that the contract declares."""
    reply: Any = make_sample(REPLY)
    results = [{**reply["results"][0], "index": index} for index in range(2)]
    return {**reply, "results": results}


def validate(body: object, schema: str) -> list[str]:
    """Say what the contract has against a body."""
    reference = {"$ref": f"#/components/schemas/{schema}", "components": CONTRACT["components"]}
    validator: Any = Draft202012Validator(reference)
    return [error.message for error in validator.iter_errors(body)]


def test_it_is_the_package_to_try() -> None:
    """What is imported is the package that the run is about, not the installed one."""
    package = Path(openrouter_rerank_api.__file__).parent

    assert package == Path(os.environ["REGENERATED_PACKAGE"])


def test_every_known_argument_is_sent_as_the_contract_has_it() -> None:
    """A call with every argument is a request that the contract takes."""
    with FakeOpenRouter() as client:
        client.rerank.rerank(**ARGUMENTS)

    body = client.bodies[0]
    assert body.keys() == ARGUMENTS.keys()
    assert validate(body, "CreateRerankRequestBody") == []


@pytest.mark.parametrize("field", REQUEST["properties"])
def test_every_declared_field_can_be_sent(field: str) -> None:
    """A field of the contract reaches the wire by its keyword, one that is newer, too."""
    arguments = {name: ARGUMENTS[name] for name in ("documents", "model", "query")}
    value = ARGUMENTS.get(field) or make_sample(REQUEST["properties"][field])
    arguments[KEYWORDS.get(field, field)] = value
    with FakeOpenRouter() as client:
        client.rerank.rerank(**arguments)

    assert field in client.bodies[0]
    assert validate(client.bodies[0], "CreateRerankRequestBody") == []


def test_every_declared_field_of_a_reply_is_read() -> None:
    """Each field of the contract is one of the result's own, with the value that came."""
    reply = make_reply()
    with FakeOpenRouter(answer(body=reply)) as client:
        res = client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    assert res.to_dict() == reply
    assert res.additional_properties == {}


def test_the_least_reply_is_read() -> None:
    """A reply without documents, and without usage, is one all the same."""
    results = [{"index": 1, "relevance_score": 0.5}]
    reply = {"model": "m", "results": results, "usage": None, "newer": True}
    with FakeOpenRouter(answer(body=reply)) as client:
        res = client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    assert res.results[0].document.text == DOCUMENTS[1]
    assert res.additional_properties == {"newer": True}


def make_error(status: int) -> Json:
    """Make the body of an error with every field that the contract declares for the status."""
    media = OPERATION["responses"][str(status)]["content"]["application/json"]
    body: Any = make_sample(media["schema"])
    return {**body, "error": {**body["error"], "code": status, "message": "why"}}


@pytest.mark.parametrize("status", ERRORS)
def test_every_declared_error_is_raised(status: int) -> None:
    """A declared status raises its class, or the class of all others, with what the body says."""
    kind = errors.STATUS_ERRORS.get(status, errors.OpenRouterDefaultError)
    script = answer(status, body=make_error(status))
    with (
        FakeOpenRouter(script, retry_config=ONCE) as client,
        pytest.raises(errors.OpenRouterError) as caught,
    ):
        client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert "why" in caught.value.message
    assert caught.value.data is not None
    assert caught.value.data.to_dict() == make_error(status)


@pytest.mark.parametrize("status", ERRORS)
def test_generated_functions_raise_the_same(status: int) -> None:
    """Through the generated function, too, a declared status is an exception and no crash."""
    scripted = ScriptedTransport(answer(status, body=make_error(status)))
    hooks = HooksTransport("key", transport=scripted, retry_config=ONCE, server_url="http://h")
    body = CreateRerankRequestBody(documents=[*DOCUMENTS], model="m", query=QUERY)
    arguments = {"transport": hooks, "trust_env": False}
    with (
        AuthenticatedClient(base_url="http://h", token="unused", httpx_args=arguments) as client,
        pytest.raises(errors.OpenRouterError) as caught,
    ):
        create_rerank.sync_detailed(client=client, body=body)

    assert caught.value.status_code == status


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Serve the packaged contract with the real model."""
    with running() as url:
        yield url


def test_the_command_shows_a_document() -> None:
    """The table's text comes of whatever fields a document has."""
    with FakeOpenRouter() as client:
        res = client.rerank.rerank(documents=DOCUMENTS, model="m", query=QUERY)

    assert describe_document(res.results[0].document) == DOCUMENTS[0]


def test_the_embedded_server_ranks(server_url: str) -> None:
    """Over a socket the right document comes first, for a call with every argument."""
    with OpenRouter(server_url=server_url) as client:
        res = client.rerank.rerank(**ARGUMENTS)

    assert [result.index for result in res.results] == [1]
    assert validate(res.to_dict(), "CreateRerankResponseBody") == []


@pytest.mark.anyio
async def test_the_embedded_server_ranks_async(server_url: str) -> None:
    """The async half is given the same."""
    async with OpenRouter(server_url=server_url) as client:
        res = await client.rerank.rerank_async(**ARGUMENTS)

    assert [result.index for result in res.results] == [1]


def test_generated_functions_are_served(server_url: str) -> None:
    """The generated function sends what the server takes and decodes what it answers."""
    body = CreateRerankRequestBody(documents=[*DOCUMENTS], model="m", query=QUERY)
    hooks = HooksTransport("key", server_url=server_url)
    arguments = {"transport": hooks, "trust_env": False}
    with AuthenticatedClient(base_url=server_url, token="unused", httpx_args=arguments) as client:
        reply = create_rerank.sync(client=client, body=body)

    assert isinstance(reply, CreateRerankResponseBody)
    assert [result.index for result in reply.results] == [1, 0]


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """Give a client without our hooks; each one loads the certificates anew."""
    with httpx.Client(trust_env=False) as client:
        yield client


def find_refused(field: str) -> object:
    """Return a value that the contract refuses for a field; None if it takes any."""
    body = {name: ARGUMENTS[name] for name in ("documents", "model", "query")}
    values: list[Any] = [[[]], 5, {}]
    refused = (v for v in values if validate({**body, field: v}, "CreateRerankRequestBody"))
    return next(refused, None)


@pytest.mark.parametrize("field", [name for name in REQUEST["properties"] if find_refused(name)])
def test_the_embedded_server_judges_by_the_contract(
    field: str, server_url: str, http: httpx.Client
) -> None:
    """A value that the contract refuses is answered with 400, and its field is named."""
    body = {"documents": DOCUMENTS, "model": "m", "query": QUERY, field: find_refused(field)}
    reply = http.post(f"{server_url}/rerank", json=body)

    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith(field)
