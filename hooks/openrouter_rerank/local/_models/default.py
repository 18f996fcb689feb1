"""The ranker of the default model, to fall back to."""

from .local_ranker import LocalRanker

LOCAL = LocalRanker()
