"""The pytest fixture. pytest imports this module at every start, so it holds nothing else."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import FakeOpenRouter


@pytest.fixture
def fake_openrouter() -> "Generator[Callable[..., FakeOpenRouter]]":
    """
    Make clients with scripted answers; see `openrouter_rerank.testing.FakeOpenRouter`.

    Yields:
        A function with the arguments of `FakeOpenRouter`; the clients that it makes are closed
        afterwards.
    """
    from .testing import FakeOpenRouter

    clients: list[FakeOpenRouter] = []

    def make_client(*script: object, **options: object) -> FakeOpenRouter:
        client = FakeOpenRouter(*script, **options)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make_client
    for client in clients:
        client.close()
