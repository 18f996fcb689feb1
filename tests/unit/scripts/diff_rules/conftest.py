"""A small contract, made for each test, which changes it in one place."""

from typing import Any

import pytest


def refer(name: str) -> dict[str, Any]:
    """Return a body's content whose schema is the named one."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def make_contract() -> dict[str, Any]:
    """Return a contract of one operation with a header, a body and two replies."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Things", "version": "1"},
        "servers": [{"url": "https://example.com/v1", "description": "Ours"}],
        "security": [{"bearer": []}],
        "paths": {
            "/things": {
                "post": {
                    "operationId": "createThing",
                    "tags": ["Thing"],
                    "parameters": [{"$ref": "#/components/parameters/AppName"}],
                    "requestBody": {"required": True, "content": refer("Thing")},
                    "responses": {
                        "200": {
                            "description": "A thing",
                            "headers": {"X-Id": {"schema": {"type": "string"}}},
                            "content": refer("Thing"),
                        },
                        "400": {"description": "No", "content": refer("Problem")},
                        "500": {"description": "Failed", "content": refer("Problem")},
                    },
                }
            }
        },
        "components": {
            "parameters": {
                "AppName": {"name": "X-App-Name", "in": "header", "schema": {"type": "string"}}
            },
            "schemas": {
                "Name": {"type": "string"},
                "Problem": {"type": "object", "properties": {"message": {"type": "string"}}},
                "Thing": {
                    "type": "object",
                    "description": "A thing",
                    "properties": {
                        "name": {"$ref": "#/components/schemas/Name"},
                        "description": {"type": "string", "x-known-values": ["a", "b"]},
                    },
                },
            },
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


@pytest.fixture
def old() -> dict[str, Any]:
    """Return the contract as it was."""
    return make_contract()


@pytest.fixture
def new() -> dict[str, Any]:
    """Return the same contract, for the test to change."""
    return make_contract()


@pytest.fixture
def operation(new: dict[str, Any]) -> dict[str, Any]:
    """Return the operation of the contract that the test changes."""
    found: dict[str, Any] = new["paths"]["/things"]["post"]
    return found
