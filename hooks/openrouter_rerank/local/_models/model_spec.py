"""What a model is: its files, and how it is to be used."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .model_file import PackagedFile
from .vocabulary import require_vocabulary

ModelKind = Literal["embedding", "cross-encoder"]
Pooling = Literal["cls", "lasttoken", "max", "mean"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """
    A model and its use.

    Attributes:
        name: What a ranking names as its model, after `local/`.
        kind: "embedding" compares the vectors of two texts, "cross-encoder" reads both at once.
        model: The file of the network, ONNX.
        tokenizer: The file of the tokenizer; None for that of BERT's uncased models.
        max_tokens: The most tokens to read of a text, or of query and document together for a
            cross-encoder, marks included.
        pooling: How the vectors of a text's tokens become one; None if the network gives one.
        query_prefix: Text to put before the query.
        document_prefix: Text to put before each document.
        score_slope: What the cosine is multiplied with before the logistic function makes a score
            of it, which keeps its order and spreads it over 0 to 1.
        score_offset: What is added to that.
    """

    name: str
    kind: ModelKind
    model: PackagedFile | Path
    tokenizer: PackagedFile | Path | None
    max_tokens: int
    pooling: Pooling | None = None
    query_prefix: str = ""
    document_prefix: str = ""
    score_slope: float = 10.0
    score_offset: float = -5.0

    def require_files(self) -> None:
        """
        Check that the files of the model are there.

        Raises:
            DataFileError: The vocabulary is missing from the package.
            MissingExtraError: The package with the model is not installed.
            ModelFileError: A file of the model is missing.
        """
        for file in (self.model, self.tokenizer):
            if isinstance(file, PackagedFile):
                file.find()
        if self.tokenizer is None:
            require_vocabulary()
