"""The form of a dataset, told by its path."""

import os
from pathlib import Path

from openrouter_rerank.evaluation._datasets import Dataset, DatasetError

from .beir import read_folder
from .jobs import read_csv, read_jsonl

DEFAULT_SEPARATOR = " "


def read_dataset(
    path: str | os.PathLike[str],
    *,
    split: str | None = None,
    qrels: str | os.PathLike[str] | None = None,
    run: str | os.PathLike[str] | None = None,
    separator: str = DEFAULT_SEPARATOR,
) -> Dataset:
    """
    Read queries with judged documents, as people have them; each file may be compressed with gzip.

    A folder has `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`, as BEIR's have. A file whose
    name ends in `.csv` has a row for each pair of `query` and `document`, with `relevant`, and
    perhaps `id` and `document_id`: `relevant` is a grade, or true or false, and empty is for not
    judged. Any other file has a JSON object on each line, with `query`, `documents`, `relevant` and
    perhaps `id`: `relevant` is a list of positions from 0 on, as numbers, and of ids, as strings,
    or an object with a grade for each id, or for each position if a document has no id. A document
    is a string, or an object with `text`, `image` or both, and perhaps `title` and `id`.

    A grade is a whole number; relevant is 1 or more. What is wrong with single queries, judgements
    or candidates is no error, but one of the dataset's `problems`.

    Args:
        path: The folder or the file.
        split: Which file of a folder's `qrels`, such as "dev"; None for "test", or the only one.
        qrels: For a folder, judgements in the form of TREC instead of its own.
        run: For a folder, the candidates in the form of TREC; None leaves them to a first stage.
        separator: What stands between the title and the text of a document.

    Raises:
        DatasetError: Something cannot be read, or no query has a text and a relevant document.
    """
    source = Path(path)
    if source.is_dir():
        return read_folder(
            source,
            split=split,
            qrels=None if qrels is None else Path(qrels),
            run=None if run is None else Path(run),
            separator=separator,
        )
    for name, given in (("split", split), ("qrels", qrels), ("run", run)):
        if given is not None:
            raise DatasetError(f"{name}: {source} is no folder, and has its own judgements.")
    if source.name.lower().removesuffix(".gz").endswith(".csv"):
        return read_csv(source)
    return read_jsonl(source, separator=separator)
