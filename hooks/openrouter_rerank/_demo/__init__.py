"""The demo collection that ships, to try the command and an evaluation on."""

from importlib.resources import files
from pathlib import Path


def demo_folder() -> Path:
    """
    Return the folder of the demo collection, of the shape that BEIR's have.

    It holds 60 passages of general knowledge (`corpus.jsonl`), 30 questions (`queries.jsonl`) and
    `qrels/test.tsv`: 2 for a passage that answers a question, 1 for one that helps, 0 for one that
    only looks like it. Questions with `metadata.demo` are those that `openrouter-rerank demo` asks;
    each of them has one answer.
    """
    return Path(str(files("openrouter_rerank").joinpath("_demo", "general-knowledge")))
