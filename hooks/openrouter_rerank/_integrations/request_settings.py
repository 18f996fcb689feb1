"""The optional fields of the request as settings of an adapter."""

from collections.abc import Mapping
from typing import Any

from openrouter_rerank_api.request_bases import RequestSettings, RequestSettingsArguments
from openrouter_rerank_api.request_fields import REQUEST_FIELDS

__all__ = [
    "REQUEST_FIELDS",
    "RequestSettings",
    "RequestSettingsArguments",
    "drop_none",
    "read_settings",
]


def read_settings(settings: RequestSettings) -> dict[str, Any]:
    """Return the settings by the names that `rerank` has for them, without those that are None."""
    return drop_none({name: getattr(settings, name) for name in REQUEST_FIELDS})


def drop_none(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that are not None, which for an adapter means to send nothing."""
    return {name: value for name, value in arguments.items() if value is not None}
