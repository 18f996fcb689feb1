"""The marker for a field that is absent; these names only stand here for import."""

from openrouter_rerank_api.unset import UNSET, Unset

__all__ = ["UNSET", "Unset"]
