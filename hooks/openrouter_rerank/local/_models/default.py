"""The ranker of the default model, to fall back to."""

from .local_ranker import LocalRanker

LOCAL = LocalRanker()
"""The default model in this process: `fallback_models=[LOCAL]` falls back to it."""
