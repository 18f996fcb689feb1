"""
What only some calls take and return, each imported when something asks for it.

`_rerank` names them as attributes of this module, so that `typing.get_type_hints` finds them, and a
program that makes no rankings, batches, runs or raw calls does not import them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._bulk.jobs import RerankJob
    from ._bulk.scheduler import Progress
    from ._bulk.task_workers import AsyncRerankOutcomes
    from ._bulk.thread_workers import RerankOutcomes
    from ._frames import FrameRanking, FrameT
    from ._ranking import Ranking
    from ._raw_response import RawRerank

__all__ = [
    "AsyncRerankOutcomes",
    "FrameRanking",
    "FrameT",
    "Progress",
    "Ranking",
    "RawRerank",
    "RerankJob",
    "RerankOutcomes",
]

_MODULE_BY_NAME = {
    "AsyncRerankOutcomes": "._bulk.task_workers",
    "FrameRanking": "._frames",
    "FrameT": "._frames",
    "Progress": "._bulk.scheduler",
    "Ranking": "._ranking",
    "RawRerank": "._raw_response",
    "RerankJob": "._bulk.jobs",
    "RerankOutcomes": "._bulk.thread_workers",
}


def __getattr__(name: str) -> object:
    if name not in _MODULE_BY_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_BY_NAME[name], __package__), name)
