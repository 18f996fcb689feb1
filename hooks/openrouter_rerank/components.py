"""The models inside requests and replies; this module only makes them importable."""

from typing import TYPE_CHECKING

from openrouter_rerank_api import models

if TYPE_CHECKING:
    from openrouter_rerank_api.models.availability import Availability
    from openrouter_rerank_api.models.availability_constraint import AvailabilityConstraint
    from openrouter_rerank_api.models.error_data import ErrorData
    from openrouter_rerank_api.models.error_metadata import ErrorMetadata
    from openrouter_rerank_api.models.error_response import ErrorResponse
    from openrouter_rerank_api.models.max_price import MaxPrice
    from openrouter_rerank_api.models.percentile_latency_cutoffs import PercentileLatencyCutoffs
    from openrouter_rerank_api.models.percentile_throughput_cutoffs import (
        PercentileThroughputCutoffs,
    )
    from openrouter_rerank_api.models.previous_error import PreviousError
    from openrouter_rerank_api.models.provider_options import ProviderOptions
    from openrouter_rerank_api.models.provider_preferences import ProviderPreferences
    from openrouter_rerank_api.models.provider_sort_config import ProviderSortConfig
    from openrouter_rerank_api.models.trace_config import TraceConfig

__all__ = [
    "Availability",
    "AvailabilityConstraint",
    "ErrorData",
    "ErrorMetadata",
    "ErrorResponse",
    "MaxPrice",
    "PercentileLatencyCutoffs",
    "PercentileThroughputCutoffs",
    "PreviousError",
    "ProviderOptions",
    "ProviderPreferences",
    "ProviderSortConfig",
    "TraceConfig",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(models, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
