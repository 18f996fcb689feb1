"""Ways to decode the bytes of a reply, this client's own functions among them."""

import json
from collections.abc import Callable
from typing import Any

from .adapters import ADAPTERS, BARE_HTTPX, DEFAULT
from .canned import Checker, write_documents, write_reply

Decode = Callable[[], Any]


def prepare_json(count: int) -> Decode:
    """Prepare the standard library's parser."""
    content = write_reply(count)
    return lambda: json.loads(content)


def prepare_orjson(count: int) -> Decode:
    """Prepare the fastest parser."""
    import orjson

    content = write_reply(count)
    return lambda: orjson.loads(content)


def prepare_generated(count: int) -> Decode:
    """Prepare the generated model's own decoder, without the client's checks."""
    from openrouter_rerank_api.models import (  # noqa: TID251 - measured by itself
        CreateRerankResponseBody,
    )

    content = write_reply(count)
    return lambda: CreateRerankResponseBody.from_dict(json.loads(content))


def prepare_client(count: int) -> Decode:
    """Prepare this client's own decoding, from the bytes to the checked model."""
    import httpx
    from openrouter_rerank._codec.request import encode_request
    from openrouter_rerank._codec.response import decode, read_reply
    from openrouter_rerank._network.received_reply import ReceivedReply

    encoded = encode_request(documents=write_documents(count), model="m", query="q")
    request = httpx.Request("POST", "https://openrouter.ai")
    reply = ReceivedReply(
        httpx.Response(200), [], write_reply(count), signed=request, request=request
    )
    return lambda: decode(read_reply(reply), reply, encoded)


def prepare_pydantic(count: int) -> Decode:
    """Prepare the official SDK's model."""
    from openrouter.operations import CreateRerankResponseBody

    content = write_reply(count)
    return lambda: CreateRerankResponseBody.model_validate_json(content)


DECODERS = {
    "json.loads": prepare_json,
    "orjson.loads": prepare_orjson,
    "client": prepare_client,
    "generated from_dict": prepare_generated,
    "openrouter's pydantic model": prepare_pydantic,
}
GIVE_DICTS = {"json.loads", "orjson.loads"}


def make_checker(way: str, count: int) -> Checker:
    """Return a checker of a decoder's result."""
    return ADAPTERS[BARE_HTTPX if way in GIVE_DICTS else DEFAULT].make_checker(count)
