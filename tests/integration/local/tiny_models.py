"""Models of a few numbers, exported as real ones are, in folders of their own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = ["[UNK]", "[CLS]", "[SEP]", "query", ":", "cat", "dog", "tree"]
# What each word is about: nothing, animals, plants. The marks weigh as much as words do.
VECTORS = {
    "[CLS]": [1.0, 0.0, 0.0],
    "[SEP]": [1.0, 0.0, 0.0],
    "query": [0.0, 0.0, 9.0],
    "cat": [0.0, 2.0, 0.0],
    "dog": [0.0, 2.0, 0.1],
    "tree": [0.0, 0.0, 2.0],
}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OPSET = 13
IR_VERSION = 8


def write_folder(
    folder: Path,
    model: ModelProto,
    files: Mapping[str, object] | None = None,
    *,
    model_file: str = "model.onnx",
) -> Path:
    """Write a model, its tokenizer and its configuration, JSON by file."""
    (folder / model_file).parent.mkdir(parents=True, exist_ok=True)
    (folder / model_file).write_bytes(model.SerializeToString())
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def make_embedding(
    *,
    outputs: Sequence[str] = ("last_hidden_state",),
    inputs: Sequence[str] = INPUTS,
    kind: int = TensorProto.INT64,
) -> ModelProto:
    """Make a model that gives the vector of each token, or their mean as `sentence_embedding`."""
    table = np.array([VECTORS.get(word, [0.0, 0.0, 0.0]) for word in WORDS], dtype=np.float32)
    nodes = [make_node("Gather", ["table", "input_ids"], ["tokens"])]
    shapes = {"last_hidden_state": 3, "sentence_embedding": 2, "pooler_output": 2}
    for name in outputs:
        if shapes[name] == 2:
            nodes.append(make_node("ReduceMean", ["tokens"], [name], axes=[1], keepdims=0))
        else:
            nodes.append(make_node("Identity", ["tokens"], [name]))
    made = [describe(name, shapes[name], 3) for name in outputs]
    return build(nodes, {"table": table}, made, inputs, kind)


def make_cross_encoder(*, labels: int = 1) -> ModelProto:
    """Make a model whose logit is the sum of a number for each token, those of the query twice."""
    table = np.array([[VECTORS.get(word, [0.0] * 3)[1]] * labels for word in WORDS], np.float32)
    nodes = [
        make_node("Gather", ["table", "input_ids"], ["tokens"]),
        make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
        make_node("Add", ["mask", "types"], ["weights"]),
        make_node("Unsqueeze", ["weights", "last"], ["column"]),
        make_node("Mul", ["tokens", "column"], ["weighed"]),
        make_node("ReduceSum", ["weighed", "middle"], ["logits"], keepdims=0),
    ]
    constants = {"table": table, "last": np.array([2]), "middle": np.array([1])}
    return build(nodes, constants, [describe("logits", 2, labels)], INPUTS, TensorProto.INT64)


def describe(name: str, dimensions: int, width: int) -> ValueInfoProto:
    """Describe an output whose last dimension is known."""
    shape: list[str | int | None] = ["batch", "tokens", width]
    if dimensions < len(shape):
        del shape[1]
    return make_tensor_value_info(name, TensorProto.FLOAT, shape)


def build(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, np.ndarray],
    outputs: Sequence[ValueInfoProto],
    inputs: Sequence[str],
    kind: int,
) -> ModelProto:
    """Build a model; an input that no node uses is one all the same."""
    graph = make_graph(
        nodes,
        "tiny",
        [make_tensor_value_info(name, kind, ["batch", "tokens"]) for name in inputs],
        outputs,
        [from_array(value, name) for name, value in constants.items()],
    )
    return make_model(graph, opset_imports=[make_opsetid("", OPSET)], ir_version=IR_VERSION)
