"""The pytest fixture; pytest imports this module when it starts, so it holds nothing else."""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import FakeOpenRouter


@pytest.fixture
def fake_openrouter() -> "Generator[Callable[..., FakeOpenRouter]]":
    """
    Make clients that answer from a script; see `openrouter_rerank.testing.FakeOpenRouter`.

    Yields:
        A function with the arguments of `FakeOpenRouter`; what it makes is closed afterwards.
    """
    from .testing import FakeOpenRouter

    made: list[FakeOpenRouter] = []

    def make(*script: object, **options: object) -> FakeOpenRouter:
        client = FakeOpenRouter(*script, **options)  # type: ignore[arg-type]
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
