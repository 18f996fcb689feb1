"""The packaged contract."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

CONTRACT_PACKAGE = "openrouter_rerank_api"
CONTRACT_FILE = "openapi.json"


@cache
def read_contract() -> Mapping[str, Any]:
    """Read the packaged contract, openapi.yaml in JSON."""
    text = resources.files(CONTRACT_PACKAGE).joinpath(CONTRACT_FILE).read_text(encoding="utf-8")
    return cast("Mapping[str, Any]", json.loads(text))
