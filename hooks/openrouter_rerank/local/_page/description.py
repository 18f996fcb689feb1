"""What the page is told of the server."""

from importlib.util import find_spec

from openrouter_rerank._call.defaults import LOCAL_PREFIX
from openrouter_rerank.errors import DataFileError
from openrouter_rerank.local._errors import MissingExtraError, ModelFileError
from openrouter_rerank.local._models.local_ranker import LocalRanker
from openrouter_rerank.local._models.named_rankers import NamedRankers
from openrouter_rerank.local._models.registry import MODELS

TITLES = {
    "minilm": "all-MiniLM-L6-v2",
    "bge-small": "bge-small-en-v1.5",
    "cross-encoder": "ms-marco-MiniLM-L-12-v2",
}
OWN_RANKER = "the ranker that this server was given"
# Where the server's files lie is not told.
MISSING_FILE = "a file of the model is missing"
SPLITTER = "semantic_text_splitter"


def describe_models(rankers: NamedRankers) -> list[dict[str, object]]:
    """
    Describe each model of this machine.

    Returns:
        For each its `slug`, what it is `about`, what it `lacks` if anything, and whether it is
        `loaded`, since the first ranking takes the time for that, too.
    """
    described: list[dict[str, object]] = []
    for slug in rankers.list_slugs():
        name = slug.removeprefix(LOCAL_PREFIX)
        about = OWN_RANKER
        if name in MODELS:
            about = f"{TITLES[name]}, reads {MODELS[name].max_tokens} tokens"
        described.append({"slug": slug, "about": about, **_describe_state(rankers, slug)})
    return described


def _describe_state(rankers: NamedRankers, slug: str) -> dict[str, object]:
    try:
        ranker = rankers.find(slug)
    except MissingExtraError as error:
        return {"lacks": str(error), "loaded": False}
    except (DataFileError, ModelFileError):
        return {"lacks": MISSING_FILE, "loaded": False}
    return {"lacks": None, "loaded": not isinstance(ranker, LocalRanker) or ranker.is_loaded}


def can_split() -> bool:
    """Tell whether the extra `passages` is installed."""
    return find_spec(SPLITTER) is not None
