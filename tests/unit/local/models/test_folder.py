"""What the files in a model's folder say about its use."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from openrouter_rerank.local import ModelFileError
from openrouter_rerank.local._models.folder import FolderOptions, read_folder
from openrouter_rerank.local._models.model_spec import ModelSpec

EMBEDDING = {"architectures": ["BertModel"]}
CLASSIFIER = {"architectures": ["XLMRobertaForSequenceClassification"]}
TRANSFORMER = {"path": "", "type": "sentence_transformers.models.Transformer"}
POOLING = {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
DENSE = {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}


def read(
    folder: Path, files: Mapping[str, object], options: FolderOptions | None = None
) -> ModelSpec:
    """Write files as JSON, and a model and a tokenizer that nobody opens; read the folder."""
    everything: dict[str, object] = {"model.onnx": None, "tokenizer.json": None, **files}
    for name, content in everything.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return read_folder(folder, options or FolderOptions())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"config.json": EMBEDDING}, "embedding"),
        ({"config.json": CLASSIFIER}, "cross-encoder"),
        ({"modules.json": []}, "embedding"),
        ({"modules.json": [], "config.json": CLASSIFIER}, "cross-encoder"),
    ],
    ids=["a model", "a classifier", "modules", "both"],
)
def test_kind_is_read(tmp_path: Path, files: dict[str, object], expected: str) -> None:
    """The architecture tells a cross-encoder from an embedding model; so do the modules."""
    assert read(tmp_path, files).kind == expected


@pytest.mark.parametrize(
    "config", [None, {}, [], {"architectures": None}, {"architectures": ["BertForMaskedLM"]}]
)
def test_unknown_kind_is_refused_unless_it_is_given(tmp_path: Path, config: object) -> None:
    """Where the folder does not say it, the caller has to."""
    with pytest.raises(ModelFileError, match="give the kind, embedding or cross-encoder"):
        read(tmp_path, {"config.json": config})
    given = read(tmp_path, {"config.json": config}, FolderOptions(kind="cross-encoder"))
    assert given.kind == "cross-encoder"


@pytest.mark.parametrize(
    ("modules", "config", "expected"),
    [
        ([TRANSFORMER, POOLING], {"pooling_mode_cls_token": True}, "cls"),
        ([TRANSFORMER, POOLING], {"pooling_mode_mean_tokens": True}, "mean"),
        ([TRANSFORMER, POOLING], {"pooling_mode_max_tokens": True}, "max"),
        ([TRANSFORMER, POOLING], {"pooling_mode_lasttoken": True}, "lasttoken"),
        ([TRANSFORMER, POOLING], {"pooling_mode": "mean", "include_prompt": True}, "mean"),
        (
            [TRANSFORMER, POOLING],
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},
            "cls",
        ),
        (
            [TRANSFORMER, POOLING],
            {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
            None,
        ),
        ([TRANSFORMER, POOLING], {"pooling_mode_mean_sqrt_len_tokens": True}, None),
        ([TRANSFORMER, POOLING], {"pooling_mode": "weightedmean"}, None),
        (
            [TRANSFORMER, POOLING],
            {"pooling_mode_mean_tokens": True, "include_prompt": False},
            None,
        ),
        ([TRANSFORMER, POOLING], {}, None),
        ([TRANSFORMER, POOLING, DENSE], {"pooling_mode_mean_tokens": True}, None),
        ([TRANSFORMER], {"pooling_mode_mean_tokens": True}, None),
        (["?"], {"pooling_mode_mean_tokens": True}, None),
    ],
)
def test_pooling_is_read(
    tmp_path: Path, modules: list[Any], config: dict[str, object], expected: str | None
) -> None:
    """Pooling is what sentence-transformers says, and none where it does more or other things."""
    files = {"modules.json": modules, "1_Pooling/config.json": config}

    assert read(tmp_path, {"config.json": EMBEDDING, **files}).pooling == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 512),
        ({"sentence_bert_config.json": {"max_seq_length": 128}}, 128),
        ({"tokenizer_config.json": {"model_max_length": 256}}, 256),
        ({"tokenizer_config.json": {"model_max_length": 10**30}}, 512),
        ({"tokenizer.json": {"truncation": {"max_length": 64}}}, 64),
        ({"tokenizer.json": {"truncation": None}}, 512),
        ({"config.json": {**EMBEDDING, "max_position_embeddings": 384}}, 384),
        (
            {
                "config.json": {
                    **EMBEDDING,
                    "max_position_embeddings": 386,
                    "model_type": "xlm-roberta",
                }
            },
            384,
        ),
        ({"config.json": {**EMBEDDING, "max_position_embeddings": 8192}}, 512),
        (
            {
                "sentence_bert_config.json": {"max_seq_length": None},
                "tokenizer_config.json": {"model_max_length": 300},
                "tokenizer.json": {"truncation": {"max_length": 200}},
            },
            200,
        ),
    ],
)
def test_limit_is_read(tmp_path: Path, files: dict[str, object], expected: int) -> None:
    """The tightest limit holds, and no more than 512 tokens are read."""
    assert read(tmp_path, {"config.json": EMBEDDING, **files}).max_tokens == expected


def test_caller_may_read_more(tmp_path: Path) -> None:
    """The caller's limit holds, whatever the folder says."""
    options = FolderOptions(max_tokens=2048)

    assert read(tmp_path, {"config.json": EMBEDDING}, options).max_tokens == 2048


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ({"query": "q: ", "document": "d: "}, ("q: ", "d: ")),
        ({"query": "q: ", "passage": "p: "}, ("q: ", "p: ")),
        ({}, ("", "")),
        (None, ("", "")),
    ],
)
def test_prompts_are_read(
    tmp_path: Path, prompts: dict[str, str] | None, expected: tuple[str, str]
) -> None:
    """The prompts of sentence-transformers go before the texts."""
    files = {"config.json": EMBEDDING, "config_sentence_transformers.json": {"prompts": prompts}}
    spec = read(tmp_path, files)

    assert (spec.query_prefix, spec.document_prefix) == expected


@pytest.mark.parametrize(
    ("missing", "expected"),
    [("model.onnx", "no model.onnx or onnx/model.onnx"), ("tokenizer.json", "no tokenizer.json")],
)
def test_missing_file_is_named(tmp_path: Path, missing: str, expected: str) -> None:
    """A folder without one of the two files is refused in a line that names both."""
    read(tmp_path, {"config.json": EMBEDDING})
    (tmp_path / missing).unlink()

    with pytest.raises(ModelFileError, match=expected) as caught:
        read_folder(tmp_path, FolderOptions())

    assert str(tmp_path) in str(caught.value)


def test_configuration_that_is_not_json_is_named(tmp_path: Path) -> None:
    """A configuration that cannot be parsed is not passed over."""
    read(tmp_path, {"config.json": EMBEDDING})
    (tmp_path / "config.json").write_bytes(b"{")

    with pytest.raises(ModelFileError, match=r"config\.json is not JSON"):
        read_folder(tmp_path, FolderOptions())


def test_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder where a file should be is not passed over."""
    (tmp_path / "config.json").mkdir()
    (tmp_path / "model.onnx").touch()
    (tmp_path / "tokenizer.json").touch()

    with pytest.raises(ModelFileError, match=r"cannot read .*config\.json: "):
        read_folder(tmp_path, FolderOptions())
