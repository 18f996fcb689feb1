"""The packaged contract."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from openrouter_rerank._data_files import read_data_file

CONTRACT_PACKAGE = "openrouter_rerank_api"
CONTRACT_FILE = "openapi.json"


@cache
def read_contract() -> Mapping[str, Any]:
    """
    Read the packaged contract, openapi.yaml in JSON.

    Raises:
        DataFileError: It is missing from the package.
    """
    return cast("Mapping[str, Any]", json.loads(read_data_file(CONTRACT_PACKAGE, CONTRACT_FILE)))
