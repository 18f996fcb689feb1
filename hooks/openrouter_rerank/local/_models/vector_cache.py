"""The vectors of texts, kept as long as there is room."""

import hashlib
import threading
from array import array

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from .tokenizer import TokenIds

ENTRY_BYTES = 600
"""What an entry takes beside the numbers of its vector: the objects of key and vector, and their
places in the cache."""

DIGEST_BYTES = 16

Vector = NDArray[np.float32]


class VectorCache:
    """
    Keeps the vectors of texts that were used last, by their token ids, for one model.

    Several threads may share it.

    Args:
        max_bytes: The most memory to use; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._vectors: LRUCache[bytes, Vector] = LRUCache(max_bytes, getsizeof=count_bytes)

    def get(self, text: TokenIds) -> Vector | None:
        """Return a text's vector; None if it is not kept."""
        key = make_key(text)
        with self._lock:
            return self._vectors.get(key)

    def put(self, text: TokenIds, vector: Vector) -> None:
        """Keep a text's vector, and drop those that were not used for longest."""
        if count_bytes(vector) <= self._vectors.maxsize:
            key = make_key(text)
            with self._lock:
                self._vectors[key] = vector


def count_bytes(vector: Vector) -> int:
    """Count the memory that an entry takes."""
    return vector.nbytes + ENTRY_BYTES


def make_key(text: TokenIds) -> bytes:
    """Make a short key, since a long text's token ids take more memory than its vector."""
    return hashlib.blake2b(array("q", text).tobytes(), digest_size=DIGEST_BYTES).digest()
