"""Which embedded model ranks a request."""

from collections.abc import Iterator
from functools import cache

from openrouter_rerank._call.defaults import LOCAL_PREFIX

from .local_ranker import LocalRanker
from .ranker import Ranker
from .registry import MODELS

CUSTOM_SLUG = "local"


class NamedRankers:
    """
    The server's own ranker, and the embedded models that a request may name instead.

    A request names one as `local/NAME`, such as `local/bge-small`; it is loaded by the first
    that does. Any other name is answered by the server's own ranker. If that is no `LocalRanker`,
    it answers all, since its maker decides what ranks.

    Attributes:
        default: The server's own ranker.
        default_slug: What names it in a request: the model of a `LocalRanker`, or `local`.
    """

    def __init__(self, default: Ranker) -> None:
        """Take the server's own ranker."""
        self.default = default
        self.default_slug = default.model if isinstance(default, LocalRanker) else CUSTOM_SLUG
        self._make = cache(self._make_named)

    def find(self, slug: str) -> Ranker:
        """
        Return what ranks for a model's slug; it need not be loaded.

        Raises:
            DataFileError: The package lacks the vocabulary of the model.
            LookupError: There is no embedded model of that name.
            MissingExtraError: The package with the model is not installed.
            ModelFileError: A file of the model is missing.
        """
        is_named = isinstance(self.default, LocalRanker) and slug.startswith(LOCAL_PREFIX)
        if not is_named or slug == self.default_slug:
            return self.default
        name = slug.removeprefix(LOCAL_PREFIX)
        # Never by `LocalRanker` alone, which would take the name for a folder's.
        if name not in MODELS:
            known = ", ".join(f"{LOCAL_PREFIX}{each}" for each in MODELS)
            raise LookupError(f"there is no embedded model of that name; there are {known}")
        return self._make(name)

    def list_slugs(self) -> Iterator[str]:
        """Yield the slugs that name a model of this machine, the server's own first."""
        yield self.default_slug
        if isinstance(self.default, LocalRanker):
            slugs = (f"{LOCAL_PREFIX}{name}" for name in MODELS)
            yield from (slug for slug in slugs if slug != self.default_slug)

    def _make_named(self, name: str) -> LocalRanker:
        assert isinstance(self.default, LocalRanker)  # noqa: S101  `find` has seen to it
        return LocalRanker(name, embedding_cache_mb=self.default.embedding_cache_mb)
