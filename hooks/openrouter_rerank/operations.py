"""The request and the reply of the rerank operation; this module only makes them importable."""

from typing import TYPE_CHECKING

from openrouter_rerank_api import models

if TYPE_CHECKING:
    from openrouter_rerank_api.models.create_rerank_request_body import CreateRerankRequestBody
    from openrouter_rerank_api.models.create_rerank_response_body import CreateRerankResponseBody
    from openrouter_rerank_api.models.create_rerank_usage import CreateRerankUsage
    from openrouter_rerank_api.models.document_request import DocumentRequest
    from openrouter_rerank_api.models.document_response import DocumentResponse
    from openrouter_rerank_api.models.result import Result

    CreateRerankResponse = CreateRerankResponseBody
    """The official SDK's other name for `CreateRerankResponseBody`."""

__all__ = [
    "CreateRerankRequestBody",
    "CreateRerankResponse",
    "CreateRerankResponseBody",
    "CreateRerankUsage",
    "DocumentRequest",
    "DocumentResponse",
    "Result",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "CreateRerankResponse":
        name = "CreateRerankResponseBody"
    return getattr(models, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
