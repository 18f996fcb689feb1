"""Upstream's words, out."""

from contract.rules.prose import strip_prose


def test_prose_goes_and_names_stay() -> None:
    """Descriptions, titles and examples go; properties of these names stay."""
    schema = {
        "type": "object",
        "title": "x",
        "description": "x",
        "example": {"description": "x"},
        "examples": ["x"],
        "x-other": 1,
        "x-known-values": ["a"],
        "properties": {
            "description": {"type": "string", "description": "x"},
            "title": {"type": "string"},
            "x-other": {"type": "string"},
        },
    }

    stripped = strip_prose({"components": {"schemas": {"Any": schema}}})

    assert stripped["components"]["schemas"]["Any"] == {
        "type": "object",
        "x-known-values": ["a"],
        "properties": {
            "description": {"type": "string"},
            "title": {"type": "string"},
            "x-other": {"type": "string"},
        },
    }


def test_the_root_keeps_its_retries() -> None:
    """Of the root's extensions those about retries stay, and of `info` where it comes from."""
    document = {
        "info": {"title": "x", "version": "1", "x-upstream": {"source": "y"}},
        "x-retry-strategy": {"description": "data"},
        "x-other": 1,
        "servers": [{"url": "u", "description": "x", "x-other": 1}],
    }

    assert strip_prose(document) == {
        "info": {"x-upstream": {"source": "y"}},
        "x-retry-strategy": {"description": "data"},
        "servers": [{"url": "u"}],
    }
