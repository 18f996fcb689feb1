"""A cache as a setting of the adapters: what is dumped, pickled and copied of it."""

import copy
import pickle
from pathlib import Path

import pytest
from openrouter_rerank import DiskCache, langchain, llama_index
from openrouter_rerank.haystack import OpenRouterRanker


def test_cache_is_in_no_dump(tmp_path: Path) -> None:
    """A folder of one machine is not written down, which Haystack says and the others do."""
    cache = DiskCache(tmp_path)
    compressor = langchain.OpenRouterRerank(model="m", cache=cache)
    reranker = llama_index.OpenRouterRerank(model="m", cache=cache)

    assert "cache" not in compressor.model_dump()
    assert "cache" not in reranker.to_dict()
    with pytest.raises(ValueError, match="cache: a cache cannot be serialised"):
        OpenRouterRanker("m", cache=cache).to_dict()


def test_leaving_the_cache_out_is_written_down() -> None:
    """False is a setting like any other."""
    data = OpenRouterRanker("m", cache=False).to_dict()

    assert OpenRouterRanker.from_dict(data).cache is False


def test_copies_share_the_cache(tmp_path: Path) -> None:
    """A copy has the same cache, a pickle one of the same folder."""
    cache = DiskCache(tmp_path)
    compressor = langchain.OpenRouterRerank(model="m", cache=cache)
    ranker = OpenRouterRanker("m", cache=cache)

    assert copy.deepcopy(compressor).cache is cache
    assert copy.deepcopy(ranker).cache is cache
    pickled = pickle.loads(pickle.dumps(compressor))  # noqa: S301  made here
    assert repr(pickled.cache) == repr(cache)
