"""A disk that is full."""

import resource
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest


@pytest.fixture
def limit_file_size() -> Callable[[int], AbstractContextManager[None]]:
    """Give what lets no file of this process grow beyond a size, as on a full disk."""

    @contextmanager
    def limit(size: int) -> Generator[None]:
        previous = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, previous[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, previous)

    return limit
