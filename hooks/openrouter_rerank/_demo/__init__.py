"""The demo collection that ships, to try the command and an evaluation on."""

from functools import cache
from pathlib import Path

from openrouter_rerank._data_files import find_data_folder

FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


@cache
def demo_folder() -> Path:
    """
    Return the folder of the demo collection, of the shape that BEIR's have.

    It holds 60 passages of general knowledge (`corpus.jsonl`), 30 questions (`queries.jsonl`) and
    `qrels/test.tsv`: 2 for a passage that answers a question, 1 for one that helps, 0 for one that
    only looks like it. Questions with `metadata.demo` are those that `openrouter-rerank demo` asks;
    each of them has one answer.

    Where the package is in a zip, the folder is a copy that lasts as long as the process.

    Raises:
        DataFileError: The package was installed, or built into a program, without it.
    """
    return find_data_folder(__name__, "general-knowledge", FILES)
