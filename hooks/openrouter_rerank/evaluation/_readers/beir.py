"""A folder in the form of BEIR, with a run and judgements of TREC if they are given."""

from pathlib import Path

from openrouter_rerank.evaluation._datasets import (
    Dataset,
    DatasetError,
    Document,
    ProblemLog,
    Query,
    make_dataset,
)

from .lines import find_file, join_text, read_id, read_objects
from .trec import read_judgements, read_run, report_unknown

DEFAULT_SPLIT = "test"
_ENDINGS = (".tsv.gz", ".tsv")


def read_folder(
    folder: Path, *, split: str | None, qrels: Path | None, run: Path | None, separator: str
) -> Dataset:
    """
    Read a folder with `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv`, each compressed or not.

    Args:
        folder: Where they are.
        split: Which file of `qrels`, such as "dev"; None for "test", or for the only one.
        qrels: Judgements in the form of TREC or BEIR instead of those in the folder.
        run: The candidates, in the form of TREC; None leaves them to a first stage.
        separator: What stands between the title and the text of a document.

    Raises:
        DatasetError: Something cannot be read, or no query can be evaluated.
    """
    log = ProblemLog()
    judgements = qrels or _find_judgements(folder, split)
    documents = _read_corpus(find_file(folder, "corpus.jsonl"), separator, log)
    texts = _read_queries(find_file(folder, "queries.jsonl"), log)
    judged = read_judgements(judgements, log)
    report_unknown("judgements", texts, judged, log)
    candidates = None
    if run is not None:
        candidates = read_run(run, log)
        report_unknown("candidates", texts, candidates, log)
    queries = [
        Query(
            id=name,
            text=text,
            grades=judged.get(name, {}),
            candidates=None if candidates is None else candidates.get(name, []),
        )
        for name, text in texts.items()
    ]
    first_stage = None if run is None else f"the run {run.name}"
    return make_dataset(folder.resolve().name, queries, documents, first_stage=first_stage, log=log)


def _find_judgements(folder: Path, split: str | None) -> Path:
    found = {
        path.name.removesuffix(ending): path
        for ending in _ENDINGS
        for path in sorted((folder / "qrels").glob(f"*{ending}"))
    }
    if not found:
        raise DatasetError(f"{folder} has no qrels/*.tsv. Give the judgements as a file of TREC.")
    wanted = split or (DEFAULT_SPLIT if DEFAULT_SPLIT in found or len(found) > 1 else min(found))
    if wanted not in found:
        raise DatasetError(
            f"{folder}/qrels has no {wanted}.tsv. It has {', '.join(sorted(found))}; name one."
        )
    return found[wanted]


def _read_corpus(path: Path, separator: str, log: ProblemLog) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    for number, fields in read_objects(path):
        place = f"{path}, line {number}"
        name = read_id(fields.get("_id"), place)
        if name in documents:
            log.add("documents of the same id: the first one counts", f"{name} on line {number}")
            continue
        documents[name] = join_text(fields, separator, place)
    return documents


def _read_queries(path: Path, log: ProblemLog) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, fields in read_objects(path):
        place = f"{path}, line {number}"
        name = read_id(fields.get("_id"), place)
        if name in texts:
            log.add("queries of the same id: the first one counts", f"{name} on line {number}")
            continue
        texts[name] = join_text({"text": fields.get("text")}, "", place)
    return texts
