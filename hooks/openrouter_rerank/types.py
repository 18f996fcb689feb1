"""The marker for a field that is absent; this module only makes it importable."""

from openrouter_rerank_api.unset import UNSET, Unset

__all__ = ["UNSET", "Unset"]
