"""A model of the user's own: what the files beside it say about its use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

from openrouter_rerank.local._errors import ModelFileError

from .model_spec import ModelKind, ModelSpec, Pooling

MODEL_FILES = ("model.onnx", "onnx/model.onnx")
TOKENIZER_FILE = "tokenizer.json"
MODULES_FILE = "modules.json"
MOST_TOKENS = 512
"""What is read at most of a text unless the caller says more: a run of the model on a longer one
takes long, and cannot be stopped."""

OFFSET_MODELS = ("camembert", "mpnet", "roberta", "xlm-roberta")
"""Models that count their positions from the one behind their padding's token, so two of
`max_position_embeddings` are no text's."""

POSITION_OFFSET = 2
CROSS_ENCODER_SUFFIX = "ForSequenceClassification"
EMBEDDING_SUFFIX = "Model"
POOLING_MODES: dict[str, Pooling] = {
    "cls": "cls",
    "lasttoken": "lasttoken",
    "max": "max",
    "mean": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
}

_NO_PROMPTS: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """
    What the caller says about the model in a folder; None leaves it to the folder's files.

    Attributes:
        kind: What the model does.
        pooling: How the vectors of a text's tokens become one.
        query_prefix: Text to put before the query.
        document_prefix: Text to put before each document.
        max_tokens: The most tokens to read.
    """

    kind: ModelKind | None = None
    pooling: Pooling | None = None
    query_prefix: str | None = None
    document_prefix: str | None = None
    max_tokens: int | None = None


def read_folder(folder: Path, options: FolderOptions) -> ModelSpec:
    """
    Find out how the model in a folder is used.

    Args:
        folder: Holds `model.onnx`, here or in `onnx/`, and `tokenizer.json`, with the
            configuration that transformers and sentence-transformers write.
        options: What the caller says.

    Raises:
        ModelFileError: A file is missing or not what it should be, or nothing says what kind of
            model it is.
    """
    model = next((folder / name for name in MODEL_FILES if (folder / name).is_file()), None)
    if model is None:
        raise ModelFileError(f"the folder {folder} has no {' or '.join(MODEL_FILES)}")
    tokenizer = folder / TOKENIZER_FILE
    if not tokenizer.is_file():
        raise ModelFileError(f"the folder {folder} has no {TOKENIZER_FILE}")
    config = _to_object(_read_json(folder / "config.json"))
    kind = options.kind or _read_kind(folder, config)
    is_embedding = kind == "embedding"
    prompts = _read_prompts(folder) if is_embedding else _NO_PROMPTS
    return ModelSpec(
        name=folder.resolve().name,
        kind=kind,
        model=model,
        tokenizer=tokenizer,
        max_tokens=options.max_tokens or _read_max_tokens(folder, config),
        pooling=options.pooling or (_read_pooling(folder) if is_embedding else None),
        query_prefix=_choose_prefix(options.query_prefix, prompts, "query"),
        document_prefix=_choose_prefix(options.document_prefix, prompts, "document", "passage"),
    )


def _read_kind(folder: Path, config: Mapping[str, Any]) -> ModelKind:
    architectures = config.get("architectures")
    names = [str(each) for each in _to_list(architectures)]
    if any(name.endswith(CROSS_ENCODER_SUFFIX) for name in names):
        return "cross-encoder"
    is_embedding = any(name.endswith(EMBEDDING_SUFFIX) for name in names)
    if is_embedding or (folder / MODULES_FILE).is_file():
        return "embedding"
    raise ModelFileError(
        f"the folder {folder} does not say what kind of model it has: give the kind, "
        f"{' or '.join(get_args(ModelKind))}"
    )


def _read_pooling(folder: Path) -> Pooling | None:
    """
    Read how sentence-transformers makes one vector of those of a text's tokens.

    Returns:
        The pooling; None if nothing says it, or it is none that is known here. Then the network
        has to do it.
    """
    modules = [_to_object(each) for each in _to_list(_read_json(folder / MODULES_FILE))]
    paths = {str(each.get("type")).rpartition(".")[2]: str(each.get("path")) for each in modules}
    if not {"Pooling"} <= set(paths) <= {"Transformer", "Pooling", "Normalize"}:
        return None
    config = _to_object(_read_json(folder / paths["Pooling"] / "config.json"))
    if config.get("include_prompt") is False:
        return None
    flags = [name for name, value in config.items() if value is True]
    modes = [name for name in flags if name.startswith("pooling_mode_")]
    modes = modes or [str(config.get("pooling_mode"))]
    return POOLING_MODES.get(modes[0]) if len(modes) == 1 else None


def _read_prompts(folder: Path) -> Mapping[str, object]:
    """Read what sentence-transformers puts before texts, by what they are."""
    config = _to_object(_read_json(folder / "config_sentence_transformers.json"))
    return _to_object(config.get("prompts"))


def _choose_prefix(given: str | None, prompts: Mapping[str, object], *names: str) -> str:
    """Choose what goes before a text: what the caller gave, else the first prompt of a name."""
    if given is not None:
        return given
    return next((str(prompts[name]) for name in names if name in prompts), "")


def _read_max_tokens(folder: Path, config: Mapping[str, Any]) -> int:
    """Read how many tokens the model can take, and at most `MOST_TOKENS`."""
    truncation = _to_object(_read_json(folder / TOKENIZER_FILE)).get("truncation")
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and config.get("model_type") in OFFSET_MODELS:
        positions -= POSITION_OFFSET
    limits = [
        _to_object(_read_json(folder / "sentence_bert_config.json")).get("max_seq_length"),
        _to_object(_read_json(folder / "tokenizer_config.json")).get("model_max_length"),
        _to_object(truncation).get("max_length"),
        positions,
    ]
    return min([MOST_TOKENS, *(each for each in limits if isinstance(each, int) and each > 0)])


def _read_json(file: Path) -> object:
    """
    Read a file of the configuration.

    Returns:
        What it holds; None if it is not there.

    Raises:
        ModelFileError: It cannot be read, or is not JSON.
    """
    try:
        return cast("object", json.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelFileError(f"cannot read {file}: {error.strerror}") from error
    except (RecursionError, ValueError) as error:
        raise ModelFileError(f"{file} is not JSON") from error


def _to_object(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _to_list(value: object) -> list[object]:
    """Return a JSON array, or an empty one for anything else."""
    return list(cast("list[object]", value)) if isinstance(value, list) else []
