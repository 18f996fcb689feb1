"""One order for what has none."""

from contract.ordering import order_document


def test_names_and_sets_are_sorted() -> None:
    """Properties and components are by name, sets by value, keywords as people read them."""
    schema = {
        "required": ["b", "a"],
        "properties": {"b": {"description": "x", "type": ["null", "string"]}, "a": {}},
        "x-known-values": ["b", "a"],
        "anyOf": [{"type": "null"}, {"$ref": "#/z"}, {"$ref": "#/y"}, {"type": "string"}],
        "type": "object",
    }

    ordered = order_document({"components": {"schemas": {"B": {}, "A": schema}}})

    assert list(ordered["components"]["schemas"]) == ["A", "B"]
    result = ordered["components"]["schemas"]["A"]
    assert list(result) == ["type", "anyOf", "properties", "required", "x-known-values"]
    assert list(result["properties"]) == ["a", "b"]
    assert list(result["properties"]["b"]) == ["type", "description"]
    assert result["properties"]["b"]["type"] == ["string", "null"]
    assert result["anyOf"] == [
        {"type": "string"}, {"$ref": "#/y"}, {"$ref": "#/z"}, {"type": "null"},
    ]  # fmt: skip


def test_examples_keep_their_order() -> None:
    """An example's keys are in the order in which we wrote them."""
    body = {"content": {"application/json": {"example": {"b": 1, "a": 2}}}}
    document = {"paths": {"/rerank": {"post": {"requestBody": body}}}}

    ordered = order_document(document)["paths"]["/rerank"]["post"]["requestBody"]

    assert list(ordered["content"]["application/json"]["example"]) == ["b", "a"]


def test_retries_are_sorted() -> None:
    """The order that upstream happens to write its retries in does not count."""
    document = {"x-retry-strategy": {"type": "x", "initialDelay": {"b": 1, "a": 2}}}

    ordered = order_document(document)["x-retry-strategy"]

    assert list(ordered) == ["initialDelay", "type"]
    assert list(ordered["initialDelay"]) == ["a", "b"]
