"""The packages of the extra `report`, which are imported when a report is written."""

from importlib import import_module
from typing import Any


def import_package(name: str) -> Any:
    """
    Import a module of the extra `report`.

    Raises:
        ModuleNotFoundError: It is not installed; the message says what to do.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the report needs the package {name.partition('.')[0]}: "
            'run pip install "openrouter-rerank[report]"',
            name=error.name,
        ) from error
