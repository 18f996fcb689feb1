"""The vectors that are kept."""

import tracemalloc

import numpy as np
import pytest
from openrouter_rerank.local._models.vector_cache import Vector, VectorCache, count_bytes


def make_vector(value: float, size: int = 384) -> Vector:
    """Make a vector."""
    return np.full(size, value, dtype=np.float32)


def test_vector_is_found_by_its_tokens() -> None:
    """A text's vector is kept by its token ids, and others have none."""
    cache = VectorCache(10_000)
    cache.put((1, 2, 3), make_vector(1))

    assert cache.get((1, 2, 3)) is not None
    assert cache.get((1, 2)) is None
    assert cache.get((1, 2, 3, 0)) is None


def test_oldest_vector_makes_room() -> None:
    """What was not used for longest goes when the memory is used up."""
    cache = VectorCache(2 * count_bytes(make_vector(0)))
    cache.put((1,), make_vector(1))
    cache.put((2,), make_vector(2))
    cache.get((1,))
    cache.put((3,), make_vector(3))

    assert [cache.get((text,)) is not None for text in (1, 2, 3)] == [True, False, True]


@pytest.mark.parametrize("max_bytes", [0, 100])
def test_without_room_nothing_is_kept(max_bytes: int) -> None:
    """0 keeps nothing, and a vector that is too large is not kept either."""
    cache = VectorCache(max_bytes)
    cache.put((1,), make_vector(1))

    assert cache.get((1,)) is None


def test_memory_is_counted_in_full() -> None:
    """The cache takes no more memory than it was allowed, its own objects included."""
    most = 4_000_000
    cache = VectorCache(most)
    tracemalloc.start()
    for number in range(5_000):
        cache.put((number, 7), make_vector(number))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert 0.8 * most < used <= most
