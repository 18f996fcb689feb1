"""The first stage: finds the candidates of queries that come without any."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from attrs import evolve, frozen

from ._datasets import Dataset, Document, read_text
from ._measures import order_scores


@frozen(kw_only=True)
class BM25:
    """
    BM25 as Lucene computes it, by bm25s; stems by PyStemmer.

    A document without a word of the query is no candidate.

    Attributes:
        k1: How much a word counts that comes again, from 0 on.
        b: How much the length of a document counts, from 0 to 1.
        stop_words: Words that do not count: a language such as "en" for the list of bm25s, or words
            in lower case; None for none.
        stemmer: The language of the Snowball stemmer, such as "english"; None for no stemming.
    """

    k1: float = 0.9
    b: float = 0.4
    stop_words: str | Sequence[str] | None = "en"
    stemmer: str | None = "english"

    def find_candidates(
        self, documents: Mapping[str, Document], queries: Sequence[str], depth: int
    ) -> list[list[str]]:
        """
        Find the best documents for each query, in the order that trec_eval gives their scores.

        Args:
            documents: The documents, by id.
            queries: Their texts.
            depth: How many to find at most.

        Raises:
            ModuleNotFoundError: A package of the extra `eval` is not installed.
            ValueError: The language of the stemmer or of the stop words is unknown.
        """
        bm25s = _import_package("bm25s")
        names = list(documents)
        index = bm25s.BM25(
            k1=self.k1, b=self.b, method="lucene", backend="numpy", csc_backend="numpy"
        )
        tokenize = self._make_tokenizer(bm25s)
        tokens = tokenize([read_text(document) for document in documents.values()])
        if not any(tokens):
            return [[] for _ in queries]
        index.index(tokens, show_progress=False)
        found: list[list[str]] = []
        for words in tokenize(queries):
            known = [word for word in words if word in index.vocab_dict]
            if not known:
                found.append([])
                continue
            positions, scores = index.retrieve(
                [known],
                k=min(depth, len(names)),
                show_progress=False,
                backend_selection="numpy",
            )
            matches: dict[str, float] = {
                names[position]: float(score)
                for position, score in zip(positions[0], scores[0], strict=True)
                if score > 0
            }
            found.append(order_scores(matches))
        return found

    def _make_tokenizer(self, bm25s: Any) -> Callable[[Sequence[str]], list[list[str]]]:
        stem = None
        if self.stemmer is not None:
            stemming = _import_package("Stemmer")
            if self.stemmer not in stemming.algorithms():
                known = ", ".join(stemming.algorithms())
                raise ValueError(f"stemmer: {self.stemmer!r} is unknown; there are {known}")
            stem = stemming.Stemmer(self.stemmer)

        def tokenize(texts: Sequence[str]) -> list[list[str]]:
            tokens: list[list[str]] = bm25s.tokenize(
                list(texts),
                stopwords=self.stop_words if self.stop_words is not None else [],
                stemmer=stem,
                return_ids=False,
                show_progress=False,
            )
            return tokens

        return tokenize

    def __str__(self) -> str:
        """Say what it is and how it is set."""
        stop_words = self.stop_words
        if stop_words is not None and not isinstance(stop_words, str):
            stop_words = f"{len(stop_words)} own"
        return (
            f"BM25 (k1 {self.k1:g}, b {self.b:g}, stop words {stop_words or 'none'}, "
            f"stemmer {self.stemmer or 'none'})"
        )


def add_candidates(dataset: Dataset, first_stage: BM25, depth: int) -> Dataset:
    """
    Return the dataset with candidates for the queries that have none, found by the first stage.

    Raises:
        ModuleNotFoundError: A package of the extra `eval` is not installed.
        ValueError: A setting of the first stage cannot work.
    """
    lacking = [query.text for query in dataset.queries if query.candidates is None]
    if not lacking:
        return dataset
    found = iter(first_stage.find_candidates(dataset.documents, lacking, depth))
    queries = [
        evolve(query, candidates=next(found)) if query.candidates is None else query
        for query in dataset.queries
    ]
    return evolve(dataset, queries=queries, first_stage=str(first_stage))


def _import_package(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"openrouter_rerank.evaluation needs the package {error.name}: "
            'run pip install "openrouter-rerank[eval]"',
            name=error.name,
        ) from error
