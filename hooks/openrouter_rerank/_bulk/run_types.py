"""
What calls in batches and runs take and return, each imported when something asks for it.

Its annotations name them as attributes of this module, so that `typing.get_type_hints` finds them,
and a program without a run does not import them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .batches import BatchedCall
    from .jobs import RerankJob
    from .scheduler import Progress
    from .task_workers import AsyncRerankOutcomes
    from .thread_workers import RerankOutcomes

__all__ = ["AsyncRerankOutcomes", "BatchedCall", "Progress", "RerankJob", "RerankOutcomes"]

_MODULE_BY_NAME = {
    "AsyncRerankOutcomes": ".task_workers",
    "BatchedCall": ".batches",
    "Progress": ".scheduler",
    "RerankJob": ".jobs",
    "RerankOutcomes": ".thread_workers",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_BY_NAME[name], __package__), name)
