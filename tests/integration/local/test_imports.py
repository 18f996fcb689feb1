"""The package as it is imported."""

import subprocess
import sys

import openrouter_rerank.local
import pytest
from openrouter_rerank.local._errors import EXTRA_PACKAGES, MissingExtraError, requiring_extra

LIGHT = """
import sys
import openrouter_rerank.local
heavy = {"cachetools", "jsonschema", "numpy", "onnxruntime", "starlette", "tokenizers", "uvicorn"}
print(sorted(heavy & set(sys.modules)))
"""

# None in sys.modules makes an import fail as if the package were not installed.
BARE = """
import sys
sys.modules[{package!r}] = None
from openrouter_rerank.local import MiniLMRanker, MissingExtraError, create_app
try:
    MiniLMRanker().load()
except MissingExtraError as error:
    print(error)
"""


def run(program: str) -> str:
    """Run a Python program and return what it prints, errors included."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_import_is_light() -> None:
    """Importing the package imports nothing of the extra."""
    assert run(LIGHT) == "[]\n"


@pytest.mark.parametrize(
    "package", ["cachetools", "starlette", "numpy", "jsonschema", "tokenizers"]
)
def test_missing_package_is_advice_on_import(package: str) -> None:
    """Importing a name without a package of the extra raises an error that says what to do."""
    output = run(BARE.format(package=package))

    assert output.splitlines()[-1].endswith(
        f"MissingExtraError: the embedded server needs the package {package}: "
        'run pip install "openrouter-rerank[local]"'
    )


def test_missing_package_is_advice_on_load() -> None:
    """Loading the model without a package of the extra raises the same error."""
    output = run(BARE.format(package="onnxruntime"))

    assert output == (
        "the embedded server needs the package onnxruntime: "
        'run pip install "openrouter-rerank[local]"\n'
    )


def test_other_missing_module_is_left_alone() -> None:
    """A missing module that the extra does not install stays an ordinary error."""
    with pytest.raises(ModuleNotFoundError) as caught, requiring_extra():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401

    assert not isinstance(caught.value, MissingExtraError)


def test_interrupted_import_is_an_interrupt() -> None:
    """Ctrl-C stays what it is when a package makes an error of it."""
    inner, outer = ImportError("initialization failed"), ImportError("read this")
    inner.__cause__, outer.__cause__ = KeyboardInterrupt(), inner

    with pytest.raises(KeyboardInterrupt), requiring_extra():
        raise outer


def test_other_failed_import_is_left_alone() -> None:
    """An import that fails for another reason keeps its error."""
    error = ImportError("broken")

    with pytest.raises(ImportError) as caught, requiring_extra():
        raise error

    assert caught.value is error


def test_import_without_memory_is_a_failed_import() -> None:
    """Too little memory for an import is said in an error that names it."""
    with pytest.raises(ImportError, match="out of memory"), requiring_extra():
        raise MemoryError


def test_extra_packages_are_installed_for_the_tests() -> None:
    """Every listed package can be imported."""
    for package in EXTRA_PACKAGES:
        __import__(package)


@pytest.mark.parametrize("name", openrouter_rerank.local.__all__)
def test_public_names_are_there(name: str) -> None:
    """Each public name can be imported and is listed."""
    assert getattr(openrouter_rerank.local, name) is not None
    assert name in dir(openrouter_rerank.local)


def test_unknown_name_is_an_attribute_error() -> None:
    """A name that isn't there fails as in any module."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = openrouter_rerank.local.no_such_name  # type: ignore[attr-defined,unused-ignore]
