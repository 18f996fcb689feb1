"""Models of the user's own, in folders."""

from pathlib import Path
from typing import Any

import pytest
from integration.local.tiny_models import make_cross_encoder, make_embedding, write_folder
from onnx import TensorProto
from openrouter_rerank.local import LocalRanker, ModelFileError, client
from openrouter_rerank.local._models.ranker import proceed

BERT = {"architectures": ["BertModel"], "max_position_embeddings": 512}
CLASSIFIER = {"architectures": ["BertForSequenceClassification"]}
MODULES = [
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]
MEAN = {"modules.json": MODULES, "1_Pooling/config.json": {"pooling_mode_mean_tokens": True}}
DOCUMENTS = ["tree", "dog", "cat cat cat cat"]


def rank(ranker: LocalRanker, query: str = "cat") -> list[int]:
    """Return the positions of the documents, the best first."""
    scores = ranker.rank(query, DOCUMENTS).scores
    return sorted(range(len(DOCUMENTS)), key=lambda index: -scores[index])


def test_embedding_model_is_used_as_its_folder_says(tmp_path: Path) -> None:
    """A folder as sentence-transformers writes it needs no word more."""
    ranker = LocalRanker(write_folder(tmp_path / "tiny", make_embedding(), {**MEAN}))

    assert ranker.model == "local/tiny"
    assert rank(ranker) == [1, 2, 0]


def test_pooling_matters(tmp_path: Path) -> None:
    """The vector of the first token is that of the mark, so all texts are equal."""
    folder = write_folder(tmp_path, make_embedding(), {**MEAN})
    scores = LocalRanker(folder, pooling="cls").rank("cat", DOCUMENTS).scores

    assert len(set(scores)) == 1


@pytest.mark.parametrize("pooling", ["lasttoken", "max", "mean"])
def test_pooling_can_be_given(tmp_path: Path, pooling: Any) -> None:
    """Where nothing says how to pool, the caller may."""
    folder = write_folder(tmp_path, make_embedding(), {"config.json": BERT})
    scores = LocalRanker(folder, pooling=pooling).rank("cat", DOCUMENTS).scores

    assert (scores[1] > scores[0]) == (pooling != "lasttoken")


def test_network_may_pool(tmp_path: Path) -> None:
    """The output `sentence_embedding` is a text's vector, whatever else there is."""
    model = make_embedding(outputs=["pooler_output", "last_hidden_state", "sentence_embedding"])

    assert rank(LocalRanker(write_folder(tmp_path, model, {"config.json": BERT}))) == [1, 2, 0]


def test_cross_encoder_is_used_as_its_folder_says(tmp_path: Path) -> None:
    """The query and each document are read together, and the score is the sigmoid of the logit."""
    folder = write_folder(
        tmp_path, make_cross_encoder(), {"config.json": CLASSIFIER}, model_file="onnx/model.onnx"
    )
    ranker = LocalRanker(folder)

    ranking = ranker.rank("cat", ["tree", "dog", "tree", ""])
    assert ranking.scores == pytest.approx([0.880797, 0.997527, 0.880797, 0.880797])
    assert ranking.token_count == 3 * 5 + 4


def test_cross_encoder_takes_prefixes_that_are_given(tmp_path: Path) -> None:
    """A prefix goes before the query, and another before each document."""
    folder = write_folder(tmp_path, make_cross_encoder(), {"config.json": CLASSIFIER})
    ranker = LocalRanker(folder, query_prefix="query: ", document_prefix="tree tree ")

    assert ranker.rank("cat", ["dog"]).token_count == 3 + 3 + 3


def test_prompts_go_before_the_texts(tmp_path: Path) -> None:
    """A prompt of the folder's changes the query, unless the caller has another."""
    prompts = {"prompts": {"query": "query: ", "document": "tree "}}
    folder = write_folder(
        tmp_path, make_embedding(), {**MEAN, "config_sentence_transformers.json": prompts}
    )

    told = LocalRanker(folder).rank("cat", ["dog"])
    given = LocalRanker(folder, query_prefix="", document_prefix="").rank("cat", ["dog"])

    assert (told.token_count, given.token_count) == (5 + 4, 3 + 3)
    assert told.scores[0] < given.scores[0]


def test_cut_documents_are_counted_by_the_folders_limit(tmp_path: Path) -> None:
    """The tightest limit of the configuration holds."""
    files = {**MEAN, "config.json": BERT, "sentence_bert_config.json": {"max_seq_length": 20}}
    ranker = LocalRanker(write_folder(tmp_path, make_embedding(), files))

    ranking = ranker.rank("cat", ["cat " * 18, "cat " * 19])

    assert (ranking.token_count, ranking.truncated_documents) == (3 + 20 + 20, 1)


def test_inputs_are_those_that_the_model_wants(tmp_path: Path) -> None:
    """A model without token types gets none, and one that wants short integers gets those."""
    model = make_embedding(inputs=["input_ids", "attention_mask"], kind=TensorProto.INT32)

    assert rank(LocalRanker(write_folder(tmp_path, model, {**MEAN}))) == [1, 2, 0]


def test_client_takes_a_folder(tmp_path: Path) -> None:
    """The path of a folder may stand where a name may."""
    folder = write_folder(tmp_path, make_embedding(), {**MEAN})
    with client(model=str(folder)) as open_router:
        reply = open_router.rerank.rerank(query="cat", documents=DOCUMENTS, model="any")

    assert [result.index for result in reply.results] == [1, 2, 0]


@pytest.mark.parametrize(
    ("model", "files", "expected"),
    [
        (make_embedding(), {"config.json": BERT}, "give the pooling, cls, lasttoken, max, mean"),
        (
            make_embedding(outputs=["pooler_output"]),
            {"config.json": BERT},
            "give the pooling, cls, lasttoken, max, mean",
        ),
        (make_embedding(outputs=["pooler_output"]), MEAN, "no vectors of tokens"),
        (make_embedding(inputs=["input_ids", "pixels"]), MEAN, "wants the input pixels"),
        (make_cross_encoder(labels=3), {"config.json": CLASSIFIER}, "more than one number"),
    ],
    ids=["no pooling", "a pooler", "no tokens", "another input", "several labels"],
)
def test_model_of_another_shape_is_told(
    tmp_path: Path, model: Any, files: dict[str, object], expected: str
) -> None:
    """What the network cannot be used for is told when it is loaded, in one line."""
    folder = write_folder(tmp_path, model, files)

    with pytest.raises(ModelFileError, match=expected) as caught:
        client(model=folder)

    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_damaged_file_is_told(tmp_path: Path, file: str) -> None:
    """A file that is not what its name says is told when it is loaded, and by a ranking."""
    folder = write_folder(tmp_path, make_embedding(), {**MEAN})
    ranker = LocalRanker(folder, max_tokens=64)
    (folder / file).write_bytes(b"\x00 no such thing")

    with pytest.raises(ModelFileError) as caught:
        ranker.load()
    with pytest.raises(ModelFileError):
        ranker.score("cat", DOCUMENTS, proceed)

    assert str(folder) in str(caught.value)
