"""The document around the operation."""

from typing import Any

from contract.rules.root import drop_false_flags, name_security, write_version

Json = dict[str, Any]


def test_schemes_are_called_by_what_they_are() -> None:
    """Two names for one HTTP scheme become the one name of the scheme."""
    document: Json = {
        "security": [{"one": []}, {"two": []}, {"three": []}],
        "components": {
            "securitySchemes": {
                "one": {"type": "http", "scheme": "Bearer"},
                "two": {"type": "http", "scheme": "Bearer"},
                "three": {"type": "apiKey", "in": "header", "name": "X-Key"},
            }
        },
    }

    named = name_security(document)

    assert named["security"] == [{"bearer": []}, {"three": []}]
    assert list(named["components"]["securitySchemes"]) == ["bearer", "three"]


def test_schemes_that_would_share_a_name_keep_their_own() -> None:
    """Two different schemes of the same kind are not thrown together."""
    document: Json = {
        "security": [{"one": []}, {"two": []}],
        "components": {
            "securitySchemes": {
                "one": {"type": "http", "scheme": "bearer"},
                "two": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            }
        },
    }

    assert name_security(document) == document


def test_flags_that_say_nothing_go() -> None:
    """`required: false` goes, but a property of that name stays."""
    post: Json = {
        "deprecated": False,
        "parameters": [{"name": "X", "in": "header", "required": False}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"properties": {"required": {}}}}},
        },
    }

    flagless = drop_false_flags({"paths": {"/rerank": {"post": post}}})["paths"]["/rerank"]["post"]

    assert flagless == {
        "parameters": [{"name": "X", "in": "header"}],
        "requestBody": post["requestBody"],
    }


def test_the_contract_is_openapi_3_1() -> None:
    """Whatever upstream's version, the contract's is the one whose form it has."""
    assert write_version({"openapi": "3.0.3"}) == {"openapi": "3.1.0"}
